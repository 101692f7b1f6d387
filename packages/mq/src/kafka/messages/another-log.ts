import type { Color } from '@colorway/core';
import { lookAtLog } from '../../ownership/renewal.js';
import type { EachBatchPayloadLike } from '../client-types.js';
import type { HeldPartition } from '../partitions/held-partition.js';
import { whileBeating } from './turns.js';

/**
 * Sees to it that what is known is of the topic as it is now, for a color or for all, and tells its id; `undefined` where
 * nobody tells it.
 */
export type CheckLog = (topic: string, color?: Color) => Promise<string | undefined>;

/** Why a partition waits, for people. */
const WAIT = 'topic-id';

/**
 * Whether a batch is the first of another topic than the one that is known. It begins before the position, or at the
 * beginning: a message is delivered again, or the topic was made again, and what is known is of the one that is gone.
 *
 * @param payload of the batch: the group hears of the member while it is asked.
 * @param color whose messages alone are taken; `undefined` for those of all.
 * @returns `unknown`: nobody answers. Then nothing is known of the partition, as when it was assigned: its steps ask again.
 */
export async function logOfBatch(
  held: HeldPartition,
  payload: Pick<EachBatchPayloadLike, 'heartbeat'>,
  first: bigint,
  checkLog: CheckLog,
  color: Color | undefined,
): Promise<'same' | 'another' | 'unknown'> {
  const { size } = held.handover.table.colors;
  const look = lookAtLog(first, held.position, size, held.start !== undefined);
  if (look === 'doubt') held.logIsDoubtful = true;
  const before = held.log;
  if (look !== 'ask' || before === undefined) return 'same';
  held.wait(WAIT);
  const asked = checkLog(held.topic, color).then(
    (log) => ({ log }),
    () => 'unknown' as const, // The steps tell why, where it goes on.
  );
  const now = await whileBeating(asked, () => payload.heartbeat());
  if (now === 'unknown') {
    held.refreshed = false;
    return 'unknown';
  }
  if (held.waiting === WAIT) held.goOn();
  // Not to know is no sign of anything.
  if (now.log === undefined) return 'same';
  held.logIsDoubtful = false;
  if (now.log === before) return 'same';
  held.beginsAgain(now.log);
  return 'another';
}
