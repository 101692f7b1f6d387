import type { StepOutcome } from '@colorway/core/background';
import type { WithdrawalParts } from '../leaving/withdrawal.js';

const AGAIN_MS = 5_000;

/**
 * Puts back what others took away at the broker from what this instance reads, and says so. Safe to repeat; it binds nothing for a
 * color that leaves.
 *
 * @param isJoined whether the color consumes the queue, by the directory; true in the baseline.
 */
export async function restoreQueue(
  { coloring, mode, state }: WithdrawalParts,
  queue: string,
  isJoined: () => Promise<boolean>,
): Promise<StepOutcome> {
  const { color, reporter } = coloring;
  if (mode.restore === undefined || !(await isJoined())) return { kind: 'settled' };
  const { mended, waitingFor } = await mode.restore(queue);
  await state.unused.sweepOthers(queue, (other) => state.names.colored(queue, other));
  if (color !== undefined && !(await isJoined())) {
    // Whoever brings the queue to its end has unbound it, perhaps before we bound it again.
    await mode.leave(queue, color);
    return { kind: 'settled' };
  }
  if (mended.length > 0) {
    const [own, what] = [mode.ownQueue(queue), mended.join(', ')];
    reporter.warn(
      'COLORWAY_MQ_TOPOLOGY_MENDED',
      `What leads messages to queue ${own} was taken away at the broker and is put back: ${what}. Messages that came in between may ` +
        "be lost, or were the baseline's.",
      { queue: own, mended },
    );
  }
  return waitingFor === undefined ? { kind: 'settled' } : { kind: 'again', afterMs: AGAIN_MS, waitingFor };
}
