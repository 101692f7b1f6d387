import { formatSubscription, type StateStore, type Subscription, subscriptionKey } from '@colorway/core';
import { within } from '@colorway/core/background';
import { type ColoringService, Environments } from '@colorway/registry';

/** Every call of `Environments`, by its name; asked of an environment `red`, which contains `stock`. */
export const ENVIRONMENT_CALLS: Readonly<Record<string, (environments: Environments) => Promise<unknown>>> = {
  create: (environments) => environments.create('blue', { owner: 'ann', services: ['order'] }),
  ensure: (environments) => environments.ensure('blue', { owner: 'ann' }),
  get: (environments) => environments.get('red'),
  list: (environments) => environments.list(),
  prolong: (environments) => environments.prolong('red', { ttlMs: 1e12 }),
  extend: (environments) => environments.extend('red', { ttlMs: 1e12 }),
  delete: (environments) => environments.delete('red'),
  declare: (environments) => environments.declare('order', 'red'),
  withdraw: (environments) => environments.withdraw('stock', 'red'),
  leaving: (environments) => environments.leaving('red'),
  memberships: (environments) => environments.memberships('red'),
  endExpired: (environments) => environments.endExpired(1e15),
  history: (environments) => environments.history('red'),
};

/** Every call of a coloring of service `order` that asks its directory, by its name. */
export const COLORING_CALLS: Readonly<Record<string, (coloring: ColoringService) => Promise<unknown>>> = {
  register: (coloring) => coloring.register({ port: 1 }),
  declare: (coloring) => coloring.declare(),
  overview: (coloring) => coloring.overview(),
  answeredView: (coloring) => coloring.answeredView(),
  noteUse: async (coloring) => coloring.noteUse('red'),
  ...Object.fromEntries(
    Object.entries(ENVIRONMENT_CALLS).map(([name, call]) => [
      `environments.${name}`,
      async (coloring: ColoringService) => call(coloring.environments),
    ]),
  ),
};

/** The environment that the calls are asked of. */
export async function makeRed(state: StateStore): Promise<void> {
  await new Environments(state).create('red', { owner: 'ann', services: ['stock'] });
}

/** Messages of `stock` in red, which nobody handles. */
export async function makeUnread(state: StateStore): Promise<void> {
  const subscription: Subscription = {
    ...{ service: 'stock', color: 'red', broker: 'kafka', group: 'GID_stock', topic: 'orders' },
    ...{ state: 'joined', at: 1 },
  };
  await state.create(subscriptionKey(subscription), formatSubscription(subscription));
}

/** Fails with the name of what has not settled, instead of letting the test run out of time. */
export function settled<T>(what: string, promise: Promise<T>, ms = 20_000): Promise<T> {
  return within(ms, promise, () => new Error(`${what} has not settled within ${ms} ms.`), {
    keepsAlive: true,
  });
}

/** A store that answers so many questions, and none after them. */
export function hangingAfter(questions: number, state: StateStore): StateStore {
  let asked = 0;
  const answer = <T>(ask: () => Promise<T>): Promise<T> =>
    ++asked > questions ? new Promise(() => {}) : ask();
  return {
    get: (key) => answer(() => state.get(key)),
    list: (prefix) => answer(() => state.list(prefix)),
    create: (key, value) => answer(() => state.create(key, value)),
    compareAndSet: (key, value, version) => answer(() => state.compareAndSet(key, value, version)),
    compareAndDelete: (key, version) => answer(() => state.compareAndDelete(key, version)),
    watch: (prefix, observer) => state.watch(prefix, observer),
  };
}
