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
import { updateEntry } from '@colorway/core/background';

/**
 * Records what a colored consumer consumes, and then declares the membership; `leaving` when what it left
 * behind the last time has to be brought to an end first: try again when that is done.
 *
 * The record comes first and the membership second; whoever ends a membership removes it first and looks at
 * the records last. So one of the two sees the other.
 *
 * @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN`; the records are taken back then.
 */
export async function joinSubscriptions(
  coloring: Coloring,
  state: StateStore,
  color: Color,
  targets: readonly SubscriptionTarget[],
): Promise<'joined' | 'leaving'> {
  const { service } = coloring;
  // Where something leaves still, nothing is written: all who look would be told of a change.
  for (const target of targets) {
    if ((await read(state, { service, color, ...target }))?.state === 'leaving') return 'leaving';
  }
  const written: StateEntry[] = [];
  const takeBack = async (): Promise<void> => {
    for (const { key, version } of written) await state.compareAndDelete(key, version);
  };
  try {
    for (const target of targets) {
      const outcome = await record(state, { service, color, ...target, state: 'joined', at: Date.now() });
      if (outcome === 'leaving') {
        await takeBack();
        return 'leaving';
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

/** What was written, or how it stands. */
async function record(state: StateStore, wanted: Subscription): Promise<StateEntry | 'joined' | 'leaving'> {
  const { result, entry, written } = await updateEntry(state, subscriptionKey(wanted), (found) => {
    const standing = found && parseSubscription(found);
    if (standing?.state === 'leaving') return { kind: 'keep', result: 'leaving' as const };
    // One that has left may join again; one that cannot be read is left alone.
    const isFree = found === undefined || standing?.state === 'left';
    if (!isFree) return { kind: 'keep', result: 'joined' as const };
    return { kind: 'put', value: formatSubscription(wanted), result: 'joined' as const };
  });
  return written && entry !== undefined ? entry : result;
}
