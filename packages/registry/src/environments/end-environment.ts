import { type Color, MEMBERSHIP_PREFIX, quote, type StateEntry, type StateStore } from '@colorway/core';
import { environmentKey, formatEnvironment, type StoredEnvironment } from './environment.js';
import { parseMembership } from './membership.js';
import { CONFLICT, retryConflicts } from './retry-conflicts.js';

/**
 * Ends an environment if it still is what was seen: marks it, removes its memberships, then its key.
 * Whether this call was the one that ended it.
 */
export async function endEnvironment(
  state: StateStore,
  stored: StoredEnvironment,
  seen: StateEntry,
): Promise<boolean> {
  const marked = stored.ending
    ? seen
    : await state.compareAndSet(seen.key, formatEnvironment({ ...stored, ending: true }), seen.version);
  if (marked === undefined) return false;
  if (!(await withdrawAll(state, stored.color, marked.version))) return false;
  return state.compareAndDelete(marked.key, marked.version);
}

/**
 * Removes the memberships of a color for as long as its environment stands in this version (`undefined`:
 * there is none). False when that changed. They are listed first and the environment is looked at
 * second: what was listed belongs to it then, and a later environment's memberships have other versions.
 */
export async function withdrawAll(
  state: StateStore,
  color: Color,
  environment: string | undefined,
): Promise<boolean> {
  return retryConflicts(`Memberships of ${quote(color)}`, async () => {
    const entries = await membershipEntries(state, color);
    if ((await state.get(environmentKey(color)))?.version !== environment) return false;
    for (const { key, version } of entries) await state.compareAndDelete(key, version);
    return entries.length === 0 || CONFLICT;
  });
}

export async function membershipEntries(state: StateStore, color: Color): Promise<StateEntry[]> {
  const entries = await state.list(MEMBERSHIP_PREFIX);
  return entries.filter((entry) => parseMembership(entry)?.color === color);
}
