import {
  type Color,
  MEMBERSHIP_PREFIX,
  type OnLeave,
  quote,
  type StateEntry,
  type StateStore,
} from '@colorway/core';
import { CONFLICT, retryConflicts, updateEntry } from '@colorway/core/background';
import { environmentKey, formatEnvironment, type StoredEnvironment } from './environment.js';
import { type ChangeNote, publishChange, withChange } from './environment-history.js';
import { usedKey } from './last-use.js';
import { markLeaving, subscriptionEntries } from './leaving.js';
import { parseMembership } from './membership.js';

const EXPIRED = { by: 'expiry', reason: 'its time was over' };

/**
 * Ends an environment if it still is what was seen: marks it, with what becomes of its messages, has its
 * subscriptions leave, removes its memberships, then its key. Whether this call was the one that ended it.
 * One that is ending already, with its messages drained, can be told to discard them; never the other way.
 */
export async function endEnvironment(
  state: StateStore,
  stored: StoredEnvironment,
  seen: StateEntry,
  now: number,
  onLeave: OnLeave = 'drain',
  { by, reason }: ChangeNote & { readonly by: string } = EXPIRED,
): Promise<boolean> {
  const fate = onLeave === 'discard' ? onLeave : (stored.onLeave ?? onLeave);
  const isMarked = stored.ending && stored.onLeave === fate;
  const history = withChange(stored.history, {
    act: 'ending',
    at: now,
    by,
    ...(reason !== undefined && { reason }),
  });
  const ending = formatEnvironment({ ...stored, ending: true, onLeave: fate, history });
  const marked = isMarked ? seen : await state.compareAndSet(seen.key, ending, seen.version);
  if (marked === undefined) return false;
  if (!isMarked) publishChange(stored.color, history);
  if (!(await withdrawAll(state, stored.color, marked.version, now, fate))) return false;
  await updateEntry(state, usedKey(stored.color), () => ({ kind: 'delete', result: undefined }));
  return state.compareAndDelete(marked.key, marked.version);
}

/**
 * Has the subscriptions of a color leave, and removes its memberships, for as long as its environment stands
 * in this version (`undefined`: there is none). False when that changed. They are listed first and the
 * environment is looked at second: what was listed belongs to it then, and what belongs to a later
 * environment has another version. Whoever joins meanwhile is found by the last look, or finds the end.
 */
export async function withdrawAll(
  state: StateStore,
  color: Color,
  environment: string | undefined,
  now: number,
  onLeave: OnLeave = 'drain',
): Promise<boolean> {
  return retryConflicts(`Memberships of ${quote(color)}`, async () => {
    const subscriptions = await subscriptionEntries(state, color);
    const memberships = await membershipEntries(state, color);
    if ((await state.get(environmentKey(color)))?.version !== environment) return false;
    const marked = await markLeaving(state, subscriptions, onLeave, now);
    for (const { key, version } of memberships) await state.compareAndDelete(key, version);
    return (marked === 0 && memberships.length === 0) || CONFLICT;
  });
}

export async function membershipEntries(state: StateStore, color: Color): Promise<StateEntry[]> {
  const entries = await state.list(MEMBERSHIP_PREFIX);
  return entries.filter((entry) => parseMembership(entry)?.color === color);
}
