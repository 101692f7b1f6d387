import {
  formatSubscription,
  leavingSubscription,
  parseSubscription,
  type StateStore,
  subscriptionKey,
} from '@colorway/core';
import { memoryDirectory } from '@colorway/registry/memory';
import { changeSubscription, recordDiscard } from '../../src/leaving/change-subscription.js';

const NAME = { service: 'stock', color: 'red', broker: 'kafka', group: 'GID_stock', topic: 'orders' };
const KEY = subscriptionKey(NAME);

describe('a subscription that many change at once', () => {
  it('keeps what each of 20 concurrent writers says is given up, the slow one too', async () => {
    const { state } = memoryDirectory();
    const leaving = leavingSubscription({ ...NAME, state: 'joined', at: 0 }, 'discard', 1);
    await state.create(KEY, formatSubscription(leaving));
    const parts = Array.from({ length: 20 }, (_, part) => part);
    await Promise.all(
      parts.map(async (part) => {
        // One of them is further away from the directory: the others get in between again and again.
        const store = distant(state, part === 19 ? 12 : 1);
        const times = part === 19 ? 1 : 20;
        for (let left = times - 1; left >= 0; left--) await recordDiscard(store, KEY, part, 100 - left);
      }),
    );
    const entry = await state.get(KEY);
    expect(entry && parseSubscription(entry)?.discarded).toEqual(
      Object.fromEntries(parts.map((part) => [part, 100])),
    );
  }, 60_000);

  it('says so where it cannot be changed', async () => {
    const { state } = memoryDirectory();
    const leaving = leavingSubscription({ ...NAME, state: 'joined', at: 0 }, 'discard', 1);
    await state.create(KEY, formatSubscription(leaving));
    const contended = {
      ...{ list: state.list.bind(state), create: state.create.bind(state), watch: state.watch.bind(state) },
      ...{ get: state.get.bind(state), compareAndDelete: state.compareAndDelete.bind(state) },
      compareAndSet: async () => undefined,
    };
    await expect(recordDiscard(contended, KEY, 0, 3)).rejects.toMatchObject({ code: 'COLORWAY_CONFLICT' });
  }, 30_000);

  it('is left alone where there is none, or nothing is to be changed', async () => {
    const { state } = memoryDirectory();
    expect(await changeSubscription(state, KEY, (standing) => standing)).toBeUndefined();
    expect(await state.list('')).toEqual([]);
  });
});

/** A directory whose answers take up to `ms`. */
function distant(state: StateStore, ms: number): StateStore {
  const later = async <T>(call: () => Promise<T>): Promise<T> => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * ms));
    return call();
  };
  return {
    ...{ list: state.list.bind(state), create: state.create.bind(state), watch: state.watch.bind(state) },
    compareAndDelete: state.compareAndDelete.bind(state),
    get: (key) => later(() => state.get(key)),
    compareAndSet: (key, value, version) => later(() => state.compareAndSet(key, value, version)),
  };
}
