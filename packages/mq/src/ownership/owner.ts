import type { Color } from '@colorway/core';
import type { FenceTable } from './fences.js';
import type { Owner } from './ownership.js';
import { ownerAt } from './segments.js';

export type { Owner, OwnerReason, UndecidedReason } from './ownership.js';

/**
 * The consumer group that a message belongs to (law 5): the colored one where
 * `join[e][partition] <= offset < leave[e][partition]` for some epoch e, else the baseline's. Pure; two map
 * look-ups and a compare where the color has one epoch or none, and no allocation.
 *
 * @param color `undefined` for a message without one.
 * @param offset of the message; see `parseOffset`.
 */
export function owner(
  color: Color | undefined,
  partition: number,
  offset: bigint,
  fences: FenceTable,
): Owner {
  if (color === undefined) return fences.uncolored;
  const known = fences.colors.get(color);
  if (known === undefined) return fences.unlisted;
  return ownerAt((known.partitions.get(partition) ?? known.unfenced).segments, offset);
}
