import { highest } from './offset.js';

/** Offsets of a partition that belonged to a color in an epoch that is over: from `join`, up to `leave` (exclusive). */
export interface PastInterval {
  readonly join: bigint;
  readonly leave: bigint;
}

/** By partition, ascending and apart from each other. A partition without any is left out. */
export type Past = ReadonlyMap<number, readonly PastInterval[]>;

const NOTHING: readonly PastInterval[] = Object.freeze([]);

export function pastIn(past: Past | undefined, partition: number): readonly PastInterval[] {
  return past?.get(partition) ?? NOTHING;
}

/** Intervals that touch are one; one that is empty is none. A later epoch never begins before an earlier one. */
export function withInterval(
  intervals: readonly PastInterval[],
  { join, leave }: PastInterval,
): readonly PastInterval[] {
  if (join >= leave) return intervals;
  const last = intervals.at(-1);
  if (last === undefined || last.leave < join) return [...intervals, Object.freeze({ join, leave })];
  return [...intervals.slice(0, -1), Object.freeze({ join: last.join, leave: highest(last.leave, leave) })];
}

/**
 * What somebody may still have to pass over. The baseline needs to know of an interval while it may begin to
 * read below its end.
 *
 * @param reached the offset in a partition below which the baseline's group reads no more: what it has
 *   committed, or where it would start.
 */
export function stillNeeded(past: Past, reached: (partition: number) => bigint): Past {
  const needed = new Map<number, readonly PastInterval[]>();
  for (const [partition, intervals] of past) {
    const from = reached(partition);
    const left = intervals.filter(({ leave }) => leave > from);
    if (left.length > 0) needed.set(partition, left);
  }
  return needed;
}

/** The parts of a state that say what came before its epoch. Without both: all fences of all epochs stand. */
export interface Folded {
  /** The fences of the epochs before this one are folded into `past`, and count no more, whether they stand or not. */
  readonly since?: number;
  readonly past?: Past;
  /** Which log the offsets are of: Kafka's id of the topic. `undefined` where nobody could tell. */
  readonly log?: string;
}

export function foldedPart({ since, past, log }: Folded): Folded {
  return {
    ...(log !== undefined && { log }),
    ...(since !== undefined && { since }),
    ...(past !== undefined && past.size > 0 && { past }),
  };
}

/** The first epoch whose fences count. */
export function sinceOf({ since }: Folded): number {
  return since ?? 1;
}
