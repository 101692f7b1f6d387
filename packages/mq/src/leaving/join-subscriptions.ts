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
    const key = subscriptionKey(name);
    for (;;) {
      const entry = await state.get(key);
      const standing = entry && parseSubscription(entry);
      if (standing?.state === 'joined' || (entry !== undefined && standing === undefined)) break;
      joined = false;
      if (standing?.state === 'leaving') break;
      const leaving = leavingSubscription({ ...name, state: 'joined', at: 0 }, 'drain', Date.now());
      const value = formatSubscription(leaving);
      const written =
        entry === undefined
          ? (await state.create(key, value)).created
          : (await state.compareAndSet(key, value, entry.version)) !== undefined;
      if (written) break;
    }
  }
  return joined;
}

/** What was written, or how it stands. */
async function record(state: StateStore, wanted: Subscription): Promise<StateEntry | 'joined' | 'leaving'> {
  const key = subscriptionKey(wanted);
  const value = formatSubscription(wanted);
  for (;;) {
    const { created, entry } = await state.create(key, value);
    if (created) return entry;
    const standing = parseSubscription(entry);
    if (standing?.state === 'joined') return 'joined';
    if (standing?.state === 'leaving') return 'leaving';
    // It has left, or it cannot be read; then it stands in nobody's way but is left alone.
    if (standing === undefined) return 'joined';
    const replaced = await state.compareAndSet(key, value, entry.version);
    if (replaced !== undefined) return replaced;
  }
}
