import { cleanUp } from './clean-up.js';

/** Gathers the process warnings of Colorway, by code, and keeps them off the screen. */
export function gatherWarnings(): { codes(): string[]; messages(): string[] } {
  const seen: { code: string; message: string }[] = [];
  const spy = jest
    .spyOn(process, 'emitWarning')
    .mockImplementation((warning: string | Error, options?: unknown) => {
      seen.push({
        code: String((options as { code?: unknown } | undefined)?.code),
        message: String(warning),
      });
    });
  cleanUp(() => spy.mockRestore());
  return { codes: () => seen.map(({ code }) => code), messages: () => seen.map(({ message }) => message) };
}
