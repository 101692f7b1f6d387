import { ColorwayError } from '@colorway/core';
import { within } from '@colorway/core/background';
import { reasonOf, warn } from '../warn.js';

export type CloseTask = () => Promise<void> | void;

/**
 * Does all tasks at once and waits for them at most `ms`. What fails or is late is told as a warning,
 * because the stages after it must come in any case.
 */
export async function closingStage(stage: string, ms: number, tasks: readonly CloseTask[]): Promise<void> {
  const late = () => new ColorwayError('COLORWAY_CLOSED', `it was not done within ${ms} ms`);
  await Promise.all(
    tasks.map(async (task) => {
      try {
        await within(ms, Promise.resolve(task()), late);
      } catch (error) {
        warn(
          'COLORWAY_CLOSE_INCOMPLETE',
          `Closing goes on, but in "${stage}" something failed: ${reasonOf(error)}.`,
        );
      }
    }),
  );
}
