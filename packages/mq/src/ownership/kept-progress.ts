/**
 * How far a color's group has committed, by partition: kept in the state of the color, because a broker forgets the
 * offsets of a group without members. It belongs to one epoch, goes with it, and only grows.
 */
export type KeptProgress = ReadonlyMap<number, bigint>;

/** The part of a state that says it. */
export interface Progressed {
  readonly progress?: KeptProgress;
}

/** Both together; the first itself where the second adds nothing. */
export function mergeProgress(kept: KeptProgress | undefined, more: KeptProgress): KeptProgress | undefined {
  const merged = new Map(kept);
  let moved = false;
  for (const [partition, offset] of more) {
    if (offset <= (merged.get(partition) ?? -1n)) continue;
    merged.set(partition, offset);
    moved = true;
  }
  return moved ? new Map([...merged].sort(([a], [b]) => a - b)) : kept;
}
