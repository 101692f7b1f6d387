import type { Directory, StateChange, StateStore, Watch, WatchObserver } from '@colorway/core';
import { memoryDirectory } from '@colorway/registry/memory';
import { MemoryShop } from './memory-shop.js';
import { pause, until } from './shop.js';

/** A directory whose state half can be exchanged for an empty one, as by a server that was restored from nothing. */
function exchangeable(): { directory: Directory; exchange: () => void } {
  const inner = memoryDirectory();
  let state = stateOf(inner);
  const watches = new Set<{ watch: Watch; prefix: string; observer: WatchObserver<StateChange> }>();
  const proxy: StateStore = {
    get: (key) => state.get(key),
    list: (prefix) => state.list(prefix),
    create: (key, value) => state.create(key, value),
    compareAndSet: (key, value, version) => state.compareAndSet(key, value, version),
    compareAndDelete: (key, version) => state.compareAndDelete(key, version),
    watch: (prefix, observer) => {
      const watched = { watch: state.watch(prefix, observer), prefix, observer };
      watches.add(watched);
      return {
        close: () => {
          watches.delete(watched);
          watched.watch.close();
        },
      };
    },
  };
  const exchange = (): void => {
    state = stateOf(memoryDirectory());
    for (const watched of watches) {
      watched.watch.close();
      watched.watch = state.watch(watched.prefix, watched.observer);
    }
  };
  return { directory: { instances: inner.instances, state: proxy, close: () => inner.close() }, exchange };
}

function stateOf({ state }: Directory): StateStore {
  if (state === undefined) throw new Error('no state');
  return state;
}

/** Deletes all keys, one by one. */
async function wipe(state: StateStore, prefixes: readonly string[]): Promise<void> {
  for (const prefix of prefixes) {
    for (const { key } of await state.list(prefix)) {
      for (let entry = await state.get(key); entry !== undefined; entry = await state.get(key))
        if (await state.compareAndDelete(key, entry.version)) break;
    }
  }
}

const OURS = ['mq/', 'mq-names/'];

describe('a directory that is emptied while consumers run', () => {
  let shop: MemoryShop;
  let warned: jest.SpyInstance;
  beforeEach(() => {
    warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  });
  afterEach(async () => {
    warned.mockRestore();
    await shop.close();
  }, 30_000);

  /** Messages without pause, until it is told to end; returns all ids. */
  function load(): () => Promise<string[]> {
    let ends = false;
    const sent = (async () => {
      const ids: string[] = [];
      while (!ends) {
        ids.push(...(await shop.send(2, 'red')), ...(await shop.send(2)));
        await pause(5);
      }
      return ids;
    })();
    return () => {
      ends = true;
      return sent;
    };
  }

  async function story(
    options: { directory?: Directory; group: string },
    empty: () => Promise<void> | void,
  ): Promise<{ ids: string[]; wrong: string[] }> {
    shop = new MemoryShop(options);
    const handlers = (by: string, ms: number) => ({
      eachMessage: async ({ message }: { message: { value: Buffer | null } }) => {
        await pause(ms);
        shop.handled.push({ by, id: String(message.value) });
      },
    });
    await shop.start('base', { run: handlers('base', 1) });
    await shop.start('red', { color: 'red', run: handlers('red', 3) });
    await shop.untilHandover('red', 'active');
    const end = load();
    await pause(500);
    await empty();
    await pause(2_000);
    const ids = await end();
    await until('all is handled', () => shop.handled.length >= ids.length, 10_000).catch(() => {});
    await pause(500);
    const wrong = shop.handled.filter(({ by, id }) => id.startsWith('red/') !== (by === 'red'));
    return { ids: [...ids].sort(), wrong: wrong.map(({ by, id }) => `${id} by ${by}`) };
  }
  const handled = (): string[] => shop.handled.map(({ id }) => id).sort();
  const lost = (): number =>
    warned.mock.calls.filter((call) => JSON.stringify(call).includes('COLORWAY_HANDOVER_LOST')).length;

  test('key by key: each message is handled once, by its color, and it is said once', async () => {
    const { ids, wrong } = await story({ group: 'GID_wiped' }, () => wipe(shop.uncounted, OURS));
    expect(handled()).toEqual(ids);
    expect(wrong).toEqual([]);
    expect(await shop.handover('red')).toBe('active');
    // In both consumers, which are of one process here.
    expect(lost()).toBe(1);
  }, 60_000);

  test('with its environments: nothing is lost, and nothing handled twice', async () => {
    const { ids } = await story({ group: 'GID_wiped_all' }, () => wipe(shop.uncounted, ['']));
    expect(handled()).toEqual(ids);
    expect(lost()).toBe(1);
  }, 60_000);

  test('all at once, for an empty one', async () => {
    const { directory, exchange } = exchangeable();
    const { ids } = await story({ directory, group: 'GID_exchanged' }, exchange);
    expect(handled()).toEqual(ids);
    expect(lost()).toBe(1);
  }, 60_000);

  test('twice in a row', async () => {
    const { ids, wrong } = await story({ group: 'GID_twice' }, async () => {
      await wipe(shop.uncounted, OURS);
      await pause(300);
      await wipe(shop.uncounted, OURS);
    });
    expect(handled()).toEqual(ids);
    expect(wrong).toEqual([]);
    expect(await shop.handover('red')).toBe('active');
  }, 60_000);

  test('and a color that knows nothing joins before anybody has put back what was there', async () => {
    const { ids, wrong } = await story({ group: 'GID_joined_anew' }, async () => {
      const now = Date.now();
      const before = await shop.uncounted.list(`mq/${shop.group}/`);
      const key = `mq/${shop.group}/${shop.topic}/red`;
      const entry = before.find((one) => one.key === key);
      await wipe(shop.uncounted, ['mq-names/']);
      if (entry === undefined) throw new Error('red has not joined');
      // In one step, so that nobody comes between.
      const fields = { state: 'joining', epoch: now, since: now, group: shop.group, topic: shop.topic };
      expect(await shop.uncounted.compareAndSet(key, JSON.stringify(fields), entry.version)).toBeDefined();
    });
    expect(handled()).toEqual(ids);
    expect(wrong).toEqual([]);
    expect(await shop.handover('red')).toBe('active');
  }, 60_000);
});
