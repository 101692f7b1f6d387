import type { StateEntry } from '@colorway/core';
import type { ColorRecord } from './color-record.js';
import { parseHandover } from './handover-codec.js';
import { fenceKey, stateKey } from './handover-keys.js';
import { compareHandovers } from './handover-state.js';
import { missingFences, type Remembered, type RememberedFence } from './restore-plan.js';

/** A read that was begun: see `FenceStore.begin`. */
export interface Reading {
  /** By the store's clock. */
  readonly at: number;
}

/** What a linearizable read found: to be held against what was known before it began. */
export interface ReadAnswer {
  readonly prefix: string;
  /** By key. */
  readonly values: ReadonlyMap<string, string>;
  readonly at: number;
}

export function answerOf(prefix: string, entries: readonly StateEntry[], { at }: Reading): ReadAnswer {
  return { prefix, at, values: new Map(entries.map(({ key, value }) => [key, value])) };
}

/** Whether it lacks a color that is needed, or tells of another epoch of it, or of an earlier state. */
export function lacksState(record: ColorRecord, { prefix, values, at }: ReadAnswer): boolean {
  const { color, newest, isNeeded, foundAt = 0, movedAt } = record;
  if (!isNeeded || record.isDoubtfulAfter(at) || foundAt > at) return false;
  const value = values.get(stateKey(prefix, color));
  if (value === undefined) return true;
  const read = parseHandover(value);
  if (read.kind === 'unreadable') return false;
  return read.epoch !== newest.epoch || (movedAt <= at && compareHandovers(read, newest) < 0);
}

/** @param fencedAt by the store's clock: when a fence of the color was last news. */
export function fencesLost(
  remembered: Remembered,
  fencedAt: number,
  { prefix, values, at }: ReadAnswer,
): RememberedFence[] {
  const { color } = remembered;
  const value = values.get(stateKey(prefix, color));
  const standing = value === undefined ? undefined : parseHandover(value);
  if (fencedAt > at || standing === undefined || standing.kind === 'unreadable') return [];
  return missingFences(remembered, standing, ({ epoch, fence, partition }) =>
    values.has(fenceKey(prefix, color, epoch, fence, partition)),
  );
}
