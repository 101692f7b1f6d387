import type { ColorFences } from './fences.js';
import { firstOpenEpoch, type Handover, type Transition } from './handover-state.js';

/**
 * Whether a boundary of the color lies behind the end of the log. A boundary is an offset that somebody had
 * read up to, so the log reached it once: this is another log, of a topic that was deleted and made anew.
 *
 * @param end the offset behind the last message of a partition, read after the fences; `undefined` for none.
 */
export function boundaryIsBehind(
  { partitions, handover }: Pick<ColorFences, 'partitions'> & Partial<Pick<ColorFences, 'handover'>>,
  end: (partition: number) => bigint | undefined,
): boolean {
  const progress = handover?.kind === 'unreadable' ? undefined : handover?.progress;
  for (const [partition, { epochs, past }] of partitions) {
    const last = end(partition);
    if (last === undefined) continue;
    const bounds = [
      ...past.map(({ leave }) => leave),
      ...epochs.flatMap(({ join, stop, leave }) => [join, stop, leave]),
      progress?.get(partition),
    ];
    if (bounds.some((offset) => offset !== undefined && offset > last)) return true;
  }
  return false;
}

/** Whether two ids of a topic are known, and of two topics. */
export function areTwoLogs(one: string | undefined, other: string | undefined): boolean {
  return one !== undefined && other !== undefined && one !== other;
}

/**
 * Whether the offsets of a color are of another log than the topic's. Where the one that they are of is not known, the
 * boundaries have to tell.
 *
 * @param log of the topic as it is now. @param end as for {@link boundaryIsBehind}.
 */
export function isOfAnotherLog(
  { partitions, handover }: Pick<ColorFences, 'partitions' | 'handover'>,
  log: string | undefined,
  end: (partition: number) => bigint | undefined,
): boolean {
  const known = handover.kind === 'unreadable' ? undefined : handover.log;
  // Not to know the topic's id now is no sign of anything.
  if (known !== undefined) return log !== undefined && known !== log;
  return boundaryIsBehind({ partitions, handover }, end);
}

/**
 * The state of a color in a log that is another one: where it had joined, it joins again, at the place where the
 * baseline stands in the new log; where it was leaving, or had left, nothing of it is in the new log.
 *
 * @param epoch that the boundaries are of. @param now as for {@link import('./handover-state.js').join}.
 * @param log the topic's, as it is now.
 */
export function renew(state: Handover, epoch: number, now = 0, log?: string): Transition {
  const known = log !== undefined ? { log } : {};
  if (state.epoch !== epoch) return { kind: 'refused', reason: 'other-epoch', state };
  if (state.kind === 'joining' || state.kind === 'active') {
    const next = Math.max(epoch + 1, now);
    return { kind: 'next', state: Object.freeze({ kind: 'joining', epoch: next, since: next, ...known }) };
  }
  const since = firstOpenEpoch({ kind: 'absent', epoch });
  return { kind: 'next', state: Object.freeze({ kind: 'absent', epoch, since, ...known }) };
}
