import { ColorwayError } from '@colorway/core';
import { type Reporter, reasonOf, within } from '@colorway/core/background';

export type CloseTask = () => Promise<void> | void;

/**
 * Does all tasks at once and waits for them at most `ms`. What fails or is late is reported,
 * because the stages after it must come in any case.
 */
export async function closingStage(
  reporter: Reporter,
  stage: string,
  ms: number,
  tasks: readonly CloseTask[],
): Promise<void> {
  const late = () => new ColorwayError('COLORWAY_CLOSED', `it was not done within ${ms} ms`);
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await within(ms, Promise.resolve(task()), late);
      } catch (error) {
        const message = `Closing goes on, but in "${stage}" something failed: ${reasonOf(error)}.`;
        reporter.warn('COLORWAY_CLOSE_INCOMPLETE', message, { stage, error });
      }
    }),
  );
}
