import {
  type Color,
  count,
  discardingSubscription,
  formatSubscription,
  idWithoutCluster,
  leavingSubscription,
  type OnLeave,
  parseSubscription,
  parseSubscriptionKey,
  type StateEntry,
  type StateStore,
  SUBSCRIPTION_PREFIX,
  type Subscription,
  type SubscriptionTarget,
  subscriptionId,
} from '@colorway/core';
import { updateEntry } from '@colorway/core/background';
import { isSameBroker } from './same-broker.js';

/**
 * Changes a subscription by compare-and-set; `change` is asked again when somebody else was faster, and
 * gives `undefined` for nothing to do. Returns what stands then; `undefined` where there is none.
 * @throws ColorwayError `COLORWAY_CONFLICT`, `COLORWAY_DIRECTORY_FAILED`
 */
export async function changeSubscription(
  state: StateStore,
  key: string,
  change: (standing: Subscription) => Subscription | undefined,
): Promise<Subscription | undefined> {
  const { entry } = await updateEntry(state, key, (found) => {
    const standing = found && parseSubscription(found);
    const wanted = standing && change(standing);
    if (wanted === undefined) return { kind: 'keep', result: undefined };
    return { kind: 'put', value: formatSubscription(wanted), result: undefined };
  });
  return entry && parseSubscription(entry);
}

/** `leaving` becomes `left`; `undefined` for one that has left, or was joined again. */
export function left(
  standing: Subscription,
  discarded?: Readonly<Record<string, number>>,
): Subscription | undefined {
  if (standing.state !== 'leaving') return undefined;
  const { remaining: _, waitingFor: __, since: ___, remedy: ____, servedAt: _____, ...rest } = standing;
  const counts = { ...rest.discarded, ...discarded };
  const counted = Object.keys(counts).length > 0 ? { discarded: counts } : {};
  return { ...rest, ...counted, state: 'left', at: Date.now() };
}

/** Says how many messages of a part are given up; said again, it replaces. Nothing for what does not leave. */
export async function recordDiscard(
  state: StateStore,
  key: string,
  part: string | number,
  messages: number,
): Promise<void> {
  let more = 0;
  const standing = await changeSubscription(state, key, (now) => {
    more = messages - (now.discarded?.[part] ?? 0);
    if (now.state !== 'leaving' || more === 0) return undefined;
    return { ...now, discarded: { ...now.discarded, [part]: messages } };
  });
  if (standing?.state !== 'leaving' || more <= 0) return;
  const { group, topic, color } = standing;
  const attributes = { 'coloring.group': group, 'coloring.topic': topic ?? group, 'coloring.color': color };
  count('coloring.mq.discarded', attributes, more);
}

/**
 * For a color that is taken out of a group or queue by its name, with its membership standing: marks the
 * subscriptions of whatever services consume it as leaving; what is being drained is discarded where that is asked
 * for now. Returns their keys.
 */
export async function detachSubscriptions(
  state: StateStore,
  target: SubscriptionTarget,
  color: Color,
  onLeave: OnLeave,
): Promise<readonly string[]> {
  const id = idWithoutCluster(subscriptionId(target));
  const isTarget = (entry: StateEntry): boolean => {
    const parsed = parseSubscriptionKey(entry.key);
    if (parsed === undefined || idWithoutCluster(parsed.id) !== id || parsed.color !== color) return false;
    const read = parseSubscription(entry);
    return read !== undefined && isSameBroker(target.cluster, read);
  };
  const keys = (await state.list(SUBSCRIPTION_PREFIX)).filter(isTarget).map(({ key }) => key);
  for (const key of keys) {
    await changeSubscription(state, key, (standing) => {
      if (standing.state === 'joined') return leavingSubscription(standing, onLeave, Date.now(), true);
      return onLeave === 'discard' ? discardingSubscription(standing, Date.now()) : undefined;
    });
  }
  return keys;
}

/** Says that what {@link detachSubscriptions} began is done. Returns how many messages were given up, as far as is recorded. */
export async function endSubscriptions(
  state: StateStore,
  keys: readonly string[],
  discarded: Readonly<Record<string, number>>,
): Promise<Readonly<Record<string, number>>> {
  let counts = discarded;
  for (const key of keys) {
    const standing = await changeSubscription(state, key, (now) => left(now, discarded));
    counts = { ...standing?.discarded, ...counts };
  }
  return counts;
}
