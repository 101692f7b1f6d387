import type { Color } from '@colorway/core';
import { lookAtLog } from '../../ownership/renewal.js';
import type { HeldPartition } from '../partitions/held-partition.js';

/**
 * Sees to it that what is known is of the topic as it is now, for a color or for all, and tells its id; `undefined` where
 * nobody tells it.
 */
export type CheckLog = (topic: string, color?: Color) => Promise<string | undefined>;

/**
 * Whether a batch is the first of another topic than the one that is known. It begins before the position, or at the
 * beginning: a message is delivered again, or the topic was made again, and what is known is of the one that is gone.
 *
 * @param first offset of the batch. @param color whose messages alone are taken; `undefined` for those of all.
 */
export async function beginsAnotherLog(
  held: HeldPartition,
  first: bigint,
  checkLog: CheckLog,
  color: Color | undefined,
): Promise<boolean> {
  const { size } = held.handover.table.colors;
  const look = lookAtLog(first, held.position, size, held.start !== undefined);
  if (look === 'doubt') held.logIsDoubtful = true;
  const before = held.log;
  if (look !== 'ask' || before === undefined) return false;
  const now = await checkLog(held.topic, color);
  // Not to know is no sign of anything.
  if (now === undefined) return false;
  held.logIsDoubtful = false;
  if (now === before) return false;
  held.beginsAgain(now);
  return true;
}
