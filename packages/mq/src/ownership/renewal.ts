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

/** The id of the topic that a color has joined in, as far as is known. */
export function logOf(handover: ColorFences['handover']): string | undefined {
  return handover.kind === 'unreadable' ? undefined : handover.log;
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
  const known = logOf(handover);
  // Not to know the topic's id now is no sign of anything.
  if (known !== undefined) return log !== undefined && known !== log;
  return boundaryIsBehind({ partitions, handover }, end);
}

/**
 * Whether a batch may be the first of another log than the one that is known: it begins before what was read, or at the
 * beginning, where nobody can tell by offsets, or a color starts here by a boundary. `doubt`: no color is known whose
 * boundaries could be of the log that is gone, so asking can wait until there is such a color.
 *
 * @param first offset of the batch. @param position of the next message, where that is known.
 * @param colors that are known. @param starts whether it is the first batch of a color that starts.
 */
export function lookAtLog(
  first: bigint,
  position: bigint | undefined,
  colors: number,
  starts: boolean,
): 'needless' | 'ask' | 'doubt' {
  if (starts || (position !== undefined && first < position)) return 'ask';
  if (first > 0n) return 'needless';
  return colors > 0 ? 'ask' : 'doubt';
}

/**
 * Whether it has to be asked which log the topic is now, before a boundary is made for a color.
 *
 * @param stated the log that the color has joined in. @param known the one that the position is of.
 * @param doubtful a batch came that may be of another one.
 */
export function mustAskForLog(
  stated: string | undefined,
  known: string | undefined,
  doubtful: boolean,
): boolean {
  return stated !== undefined && (doubtful || areTwoLogs(stated, known));
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
