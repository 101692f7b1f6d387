import {
  type Color,
  type Coloring,
  formatSubscription,
  leavingSubscription,
  parseSubscription,
  type StateEntry,
  type StateStore,
  type Subscription,
  type SubscriptionName,
  type SubscriptionTarget,
  subscriptionKey,
} from '@colorway/core';
import { type EntryChange, updateEntry } from '@colorway/core/background';
import { isSameBroker } from './same-broker.js';

/** `taken`: the key is another broker's. */
export type JoinOutcome = 'joined' | 'leaving' | 'taken';

/**
 * Records what a colored consumer consumes, and then declares the membership; `leaving` when what it left
 * behind the last time has to be brought to an end first: try again when that is done.
 *
 * The record comes first and the membership second; whoever ends a membership removes it first and looks at
 * the records last. So one of the two sees the other.
 *
 * `taken` where another broker's record of the same names stands there: see {@link placeOf}.
 *
 * @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN`; the records are taken back then.
 */
export async function joinSubscriptions(
  coloring: Coloring,
  state: StateStore,
  color: Color,
  targets: readonly SubscriptionTarget[],
): Promise<JoinOutcome> {
  const { service } = coloring;
  // Where something leaves still, nothing is written: all who look would be told of a change.
  for (const target of targets) {
    const standing = await read(state, { service, color, ...target });
    if (standing !== undefined && !isSameBroker(target.cluster, standing)) return 'taken';
    if (standing?.state === 'leaving') return 'leaving';
  }
  const written: StateEntry[] = [];
  const takeBack = async (): Promise<void> => {
    for (const { key, version } of written) await state.compareAndDelete(key, version);
  };
  try {
    for (const target of targets) {
      const outcome = await record(state, { service, color, ...target, state: 'joined', at: Date.now() });
      if (outcome === 'leaving' || outcome === 'taken') {
        await takeBack();
        return outcome;
      }
      if (outcome !== 'joined') written.push(outcome);
    }
    await coloring.declare();
  } catch (error) {
    // What is not taken back is found as joined without a membership.
    await takeBack().catch(() => {});
    throw error;
  }
  for (const target of targets) {
    if ((await read(state, { service, color, ...target }))?.state !== 'joined') return 'leaving';
  }
  return 'joined';
}

/** The names of one service may be those of two brokers' queues: the first that is joined has the key of the names alone. */
export async function placeOf(
  state: StateStore,
  { apart: _, ...name }: SubscriptionName,
): Promise<SubscriptionTarget> {
  const { service: __, color: ___, ...target } = name;
  if (name.cluster === undefined) return target;
  if ((await state.get(subscriptionKey({ ...name, apart: true }))) !== undefined)
    return { ...target, apart: true };
  const standing = await read(state, name);
  return standing === undefined || isSameBroker(name.cluster, standing) ? target : { ...target, apart: true };
}

async function read(state: StateStore, name: SubscriptionName): Promise<Subscription | undefined> {
  const entry = await state.get(subscriptionKey(name));
  return entry && parseSubscription(entry);
}

/** Whether they all still say `joined`. One that has left meanwhile, or is gone, leaves once more. */
export async function confirmSubscriptions(
  service: string,
  state: StateStore,
  color: Color,
  targets: readonly SubscriptionTarget[],
): Promise<boolean> {
  let joined = true;
  for (const target of targets) {
    const name = { service, color, ...target };
    const { result } = await updateEntry(state, subscriptionKey(name), (entry) => {
      const standing = entry && parseSubscription(entry);
      // What cannot be read stands in nobody's way.
      const stands = standing?.state === 'joined' || (entry !== undefined && standing === undefined);
      if (stands || standing?.state === 'leaving') return { kind: 'keep', result: stands };
      const leaving = leavingSubscription({ ...name, state: 'joined', at: 0 }, 'drain', Date.now());
      return { kind: 'put', value: formatSubscription(leaving), result: false };
    });
    joined &&= result;
  }
  return joined;
}

/** What was written anew, or how it stands. */
async function record(state: StateStore, wanted: Subscription): Promise<StateEntry | JoinOutcome> {
  const change = (found: StateEntry | undefined): EntryChange<JoinOutcome | 'new'> => {
    const standing = found && parseSubscription(found);
    if (standing !== undefined && !isSameBroker(wanted.cluster, standing))
      return { kind: 'keep', result: 'taken' };
    if (standing?.state === 'leaving') return { kind: 'keep', result: 'leaving' };
    // An older version did not say which broker's it is.
    if (standing?.state === 'joined' && wanted.cluster !== undefined && standing.cluster === undefined) {
      const value = formatSubscription({ ...standing, cluster: wanted.cluster });
      return { kind: 'put', value, result: 'joined' };
    }
    // One that has left may join again; one that cannot be read is left alone.
    const isFree = found === undefined || standing?.state === 'left';
    if (!isFree) return { kind: 'keep', result: 'joined' };
    return { kind: 'put', value: formatSubscription(wanted), result: 'new' };
  };
  const { result, entry } = await updateEntry(state, subscriptionKey(wanted), change);
  if (result !== 'new') return result;
  if (entry === undefined) throw new TypeError('What was written is not there.');
  return entry;
}
