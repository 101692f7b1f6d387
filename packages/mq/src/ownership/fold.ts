import type { ColorFences } from './fences.js';
import { firstOpenEpoch, type Handover } from './handover-state.js';
import { foldedPart, type PastInterval, pastIn, sinceOf, withInterval } from './past.js';

/**
 * The same state with every epoch that is over folded into it: owners are the same before and after, and the
 * fences of those epochs may be deleted once this is written. `undefined` where there is nothing to fold, or
 * a fence cannot be read.
 *
 * @param fences of the color, from a linearizable read that began after the state was known.
 */
export function fold(state: Handover, { partitions }: Pick<ColorFences, 'partitions'>): Handover | undefined {
  const open = firstOpenEpoch(state);
  if (sinceOf(state) >= open) return undefined;
  const past = new Map<number, readonly PastInterval[]>();
  for (const partition of new Set([...partitions.keys(), ...(state.past?.keys() ?? [])])) {
    let intervals = pastIn(state.past, partition);
    for (const { epoch, join, leave, unreadable } of partitions.get(partition)?.epochs ?? []) {
      if (epoch >= open) continue;
      if (unreadable.length > 0) return undefined;
      // A join fence without a leave fence was made too late for anybody to read behind it.
      if (join !== undefined && leave !== undefined) intervals = withInterval(intervals, { join, leave });
    }
    if (intervals.length > 0) past.set(partition, intervals);
  }
  return Object.freeze({ ...state, ...foldedPart({ ...state, since: open, past }) });
}
