import { ColorwayError, type Directory, type InstanceStore, type StateStore } from '@colorway/core';

export interface ComposeOptions {
  /** Whose instances to use: any discovery. */
  readonly instances: { readonly instances: InstanceStore; close(): Promise<void> };
  /** Whose state to use: any store with compare-and-set. */
  readonly state: { readonly state?: StateStore; close(): Promise<void> };
}

/**
 * One directory of two halves that live in different places. Both may come from one directory. Closing it
 * closes both, each once, and fails with the first error only after both were tried.
 *
 * @throws ColorwayError `COLORWAY_STATE_MISSING` when the directory given for the state has none.
 */
export function composeDirectory(options: ComposeOptions): Required<Directory> {
  const { state } = options.state;
  if (state === undefined) {
    throw new ColorwayError(
      'COLORWAY_STATE_MISSING',
      'The directory given as "state" has no state half. Give one that keeps state, such as fileDirectory().',
    );
  }
  const parts = new Set([options.instances, options.state]);
  return {
    instances: options.instances.instances,
    state,
    close: async () => {
      const closed = await Promise.allSettled(Array.from(parts, (part) => part.close()));
      const failed = closed.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
    },
  };
}
