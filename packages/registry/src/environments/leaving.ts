import {
  type Color,
  discardingSubscription,
  formatSubscription,
  leavingSubscription,
  membershipKey,
  type OnLeave,
  PULSE_PREFIX,
  parseSubscription,
  parseSubscriptionKey,
  quote,
  type StateEntry,
  type StateStore,
  SUBSCRIPTION_PREFIX,
  type Subscription,
  subscriptionPrefix,
} from '@colorway/core';
import { CONFLICT, FORGET_AFTER_MS, retryConflicts } from '@colorway/core/background';

/** A record of what has left is of use to those who wait for it, and to nobody after that. */
const KEEP_LEFT_MS = 600_000;

/** What a color subscribes to, or one service of it. Linearizable. */
export async function subscriptionEntries(
  state: StateStore,
  color: Color,
  service?: string,
): Promise<StateEntry[]> {
  const entries = await state.list(
    service === undefined ? SUBSCRIPTION_PREFIX : subscriptionPrefix(service, color),
  );
  return entries.filter(({ key }) => parseSubscriptionKey(key)?.color === color);
}

/**
 * Marks those that are joined as leaving, if they still are what was seen, and what is being drained as to be discarded
 * where that is asked for now. Returns how many there were to mark.
 */
export async function markLeaving(
  state: StateStore,
  entries: readonly StateEntry[],
  onLeave: OnLeave,
  now: number,
): Promise<number> {
  let marked = 0;
  for (const entry of entries) {
    const read = parseSubscription(entry);
    const wanted = read && leavingFrom(read, onLeave, now);
    if (wanted === undefined) continue;
    marked++;
    await state.compareAndSet(entry.key, formatSubscription(wanted), entry.version);
  }
  return marked;
}

/** `undefined` for nothing to change. A discard never becomes a drain again. */
function leavingFrom(read: Subscription, onLeave: OnLeave, now: number): Subscription | undefined {
  if (read.state === 'joined') return leavingSubscription(read, onLeave, now);
  return onLeave === 'discard' ? discardingSubscription(read, now) : undefined;
}

/**
 * Takes a service out of its color: has its subscriptions leave, removes the membership, and looks again for
 * whoever joined in between. Whoever declares it again after the removal joins again, and is left alone.
 *
 * @returns whether it was a member.
 */
export async function withdrawService(
  state: StateStore,
  service: string,
  color: Color,
  onLeave: OnLeave,
  now: number,
): Promise<boolean> {
  const key = membershipKey(service, color);
  const mark = () =>
    retryConflicts(`Subscriptions of ${quote(service)}`, async () => {
      const entries = await subscriptionEntries(state, color, service);
      return (await markLeaving(state, entries, onLeave, now)) === 0 || CONFLICT;
    });
  await mark();
  const withdrawn = await retryConflicts(`Membership ${quote(key)}`, async () => {
    const entry = await state.get(key);
    if (entry === undefined) return false;
    return (await state.compareAndDelete(key, entry.version)) || CONFLICT;
  });
  if ((await state.get(key)) === undefined) await mark();
  return withdrawn;
}

/** Removes the records of what has left, and the heartbeats of what has died, long ago: nobody asks for them any more. */
export async function forgetLeft(state: StateStore, now: number): Promise<void> {
  for (const entry of await state.list(SUBSCRIPTION_PREFIX)) {
    const read = parseSubscription(entry);
    if (read?.state !== 'left' || !isLongAgo(read.at, now)) continue;
    await state.compareAndDelete(entry.key, entry.version);
  }
  for (const { key, value, version } of await state.list(PULSE_PREFIX)) {
    if (isLongAgo(Number(value), now)) await state.compareAndDelete(key, version);
  }
}

/** Also what is no time, and one so far to come that a clock must have been wrong. */
function isLongAgo(at: number, now: number): boolean {
  return !(now - at < KEEP_LEFT_MS && at - now < FORGET_AFTER_MS);
}
