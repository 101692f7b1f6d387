import type { Color, StateEntry } from '@colorway/core';
import { parseHandover } from './handover-codec.js';
import { parseHandoverKey } from './handover-keys.js';
import { type Handover, isFolded } from './handover-state.js';
import { sinceOf } from './past.js';

/** An entry of a color that has left, with all its epochs folded into it. */
export interface Remains {
  readonly color: Color;
  readonly entry: StateEntry;
  readonly state: Handover;
}

/** What can be taken out of the directory. Whoever does part of it and stops leaves the rest to the next. */
export interface SweepPlan {
  /** Fences of epochs that are folded: they count no more. */
  readonly folded: readonly StateEntry[];
  /**
   * Fences of colors without an entry: somebody made them too late. One is to be deleted after its color's
   * entry was found missing once more: what was read may be older than the entry.
   */
  readonly stray: ReadonlyMap<Color, readonly StateEntry[]>;
  /** Colors that have left, whose epochs are to be folded first: an older version closed them. */
  readonly unfolded: readonly Color[];
  readonly remains: readonly Remains[];
}

/** Pure. @param entries below the prefix, from one linearizable read: all of them, or all of some colors. */
export function sweepPlan(prefix: string, entries: readonly StateEntry[]): SweepPlan {
  const states = new Map<Color, { readonly entry: StateEntry; readonly state: Handover | undefined }>();
  for (const entry of entries) {
    const parsed = parseHandoverKey(prefix, entry.key);
    if (parsed?.kind !== 'state') continue;
    const state = parseHandover(entry.value);
    states.set(parsed.color, { entry, state: state.kind === 'unreadable' ? undefined : state });
  }
  const folded: StateEntry[] = [];
  const stray = new Map<Color, StateEntry[]>();
  for (const entry of entries) {
    const parsed = parseHandoverKey(prefix, entry.key);
    if (parsed?.kind !== 'fence') continue;
    const { color, epoch } = parsed;
    const standing = states.get(color);
    if (standing === undefined) stray.set(color, [...(stray.get(color) ?? []), entry]);
    // An entry that cannot be read may say anything.
    else if (standing.state !== undefined && epoch < sinceOf(standing.state)) folded.push(entry);
  }
  const unfolded: Color[] = [];
  const remains: Remains[] = [];
  for (const [color, { entry, state }] of states) {
    if (state?.kind !== 'absent') continue;
    if (isFolded(state)) remains.push({ color, entry, state });
    else unfolded.push(color);
  }
  return { folded, stray, unfolded, remains };
}
