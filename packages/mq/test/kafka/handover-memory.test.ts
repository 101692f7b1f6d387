import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import type { GroupAdmin } from '../../src/kafka/group-admin.js';
import type { TopicHandover } from '../../src/kafka/handover/topic-handover.js';
import { runtimeOf } from '../../src/kafka/mq-runtime.js';
import {
  activate,
  claimClosing,
  close,
  join,
  leave,
  startDraining,
} from '../../src/ownership/handover-state.js';
import { until } from './until.js';

const MARK = 'mq-names/kafka/GID_c_order';

/** Two processes; the watch of the second tells nothing after `pause`. */
async function setUp() {
  const directory = memoryDirectory();
  const { state } = directory;
  if (state === undefined) throw new Error('no state');
  let paused = false;
  const deaf = {
    ...directory,
    state: {
      ...{ get: state.get.bind(state), list: state.list.bind(state), create: state.create.bind(state) },
      compareAndSet: state.compareAndSet.bind(state),
      compareAndDelete: state.compareAndDelete.bind(state),
      watch: ((prefix, observer) =>
        state.watch(prefix, {
          ...{ current: () => observer.current(), error: (error) => observer.error(error) },
          next: (change) => {
            if (!paused) observer.next(change);
          },
        })) as typeof state.watch,
    },
  };
  const ends: (() => unknown)[] = [];
  const use = (of: typeof directory) => {
    const coloring = createColoring({ service: 'stock', color: '', directory: of });
    const runtime = runtimeOf(coloring);
    const { handover, release } = runtime.useHandover('GID_order', 'orders');
    ends.push(async () => {
      release();
      await coloring.close();
    });
    return { coloring, runtime, handover };
  };
  const one = use(directory);
  const other = use(deaf as typeof directory);
  await one.runtime.claimGroupName('GID_order', undefined, async () => false);
  const joined = await one.handover.transition('red', join);
  const { epoch } = joined.state;
  await one.handover.createFence('red', epoch, 'join', 0, 2n);
  await one.handover.transition('red', (standing) => activate(standing, epoch));
  await other.handover.refresh();
  const remove = async (key: string): Promise<void> => {
    const entry = await state.get(key);
    if (entry !== undefined) await state.compareAndDelete(key, entry.version);
  };
  return {
    ...{ state, one: one.handover, other: other.handover, epoch, remove, use: () => use(directory) },
    useDeaf: () => use(deaf as typeof directory),
    /** By somebody whom nobody tells of it; who knows less puts back what he knows. */
    empty: async () => {
      one.handover.close();
      for (const key of [...(await state.list('mq/')).map(({ key }) => key), MARK]) await remove(key);
      await other.handover.refresh();
    },
    pause: () => {
      paused = true;
    },
    close: async () => {
      for (const end of ends.splice(0)) await end();
    },
  };
}

describe('an entry that a process knows, and does not find', () => {
  let world: Awaited<ReturnType<typeof setUp>>;
  let warned: jest.SpyInstance;
  beforeEach(async () => {
    warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    world = await setUp();
  });
  afterEach(async () => {
    await world.close();
    warned.mockRestore();
  });
  const kindOf = (handover: TopicHandover) => handover.table.colors.get('red')?.handover.kind;

  test('is forgotten where it was deleted, also when that went unnoticed', async () => {
    const { one, other, epoch, state } = world;
    world.pause();
    await one.transition('red', (standing) => leave(standing, epoch, 'drain'));
    await one.createFence('red', epoch, 'stop', 0, 2n);
    await one.createFence('red', epoch, 'leave', 0, 2n);
    await one.transition('red', (standing) => startDraining(standing, epoch));
    await one.transition('red', (standing) => claimClosing(standing, epoch, 'one'));
    await one.transition('red', (standing) => close(standing, epoch, 'one'));
    for (const entry of await one.list('red')) await one.delete(entry);
    expect(kindOf(other)).toBe('active');
    await other.refresh();
    expect(other.table.colors.size).toBe(0);
    expect(await state.list('mq/')).toEqual([]);
    expect(warned).not.toHaveBeenCalled();
  });

  test('is put back where the directory was emptied, before the color is changed', async () => {
    const { other, epoch, state } = world;
    world.pause();
    const before = (await state.list('mq/')).map(({ key }) => key);
    for (const key of [...before, MARK]) await world.remove(key);
    const again = await other.transition('red', join);
    expect(again).toMatchObject({ kind: 'refused', reason: 'joined-already', state: { epoch } });
    expect((await state.list('mq/')).map(({ key }) => key)).toEqual(before);
    expect(await state.get(MARK)).toBeDefined();
    expect(kindOf(other)).toBe('active');
  });

  test('is put back with the cluster that had the name first, whoever comes first afterwards', async () => {
    const { state, use } = world;
    const clusterIs = (id: string) => ({ clusterId: async () => id }) as unknown as GroupAdmin;
    const { handover, runtime } = use();
    expect(await runtime.clusterOf('GID_order', clusterIs('first'))).toBeUndefined();
    await handover.refresh();
    for (const key of [...(await state.list('mq/')).map(({ key }) => key), MARK]) await world.remove(key);
    // Of the second cluster, and knows nothing: it claims the name, and has not asked for its cluster yet.
    const stranger = use();
    await stranger.runtime.claimGroupName('GID_order', undefined, async () => false);
    await handover.refresh();
    expect(kindOf(handover)).toBe('active');
    expect(await stranger.runtime.clusterOf('GID_order', clusterIs('second'))).toBe('second');
    expect(await runtime.clusterOf('GID_order', clusterIs('first'))).toBeUndefined();
  });

  test('is put back with a boundary that who was faster did not know', async () => {
    const { one, epoch, state, useDeaf } = world;
    const { handover } = useDeaf();
    world.pause();
    await handover.refresh();
    await handover.createFence('red', epoch, 'join', 1, 5n);
    const before = (await state.list('mq/')).map(({ key }) => key);
    await world.empty();
    const less = (await state.list('mq/')).map(({ key }) => key);
    expect(less.length).toBe(before.length - 1);
    await handover.refresh();
    expect((await state.list('mq/')).map(({ key }) => key)).toEqual(before);
    await one.refresh();
    expect(one.table.colors.get('red')?.partitions.get(1)?.epochs).toMatchObject([{ epoch, join: 5n }]);
  });

  test('is put back in the later state, also where who was faster knew an earlier one', async () => {
    const { other, epoch, state, useDeaf } = world;
    const { handover } = useDeaf();
    world.pause();
    await handover.refresh();
    await handover.transition('red', (standing) => leave(standing, epoch, 'drain'));
    await world.empty();
    expect(kindOf(other)).toBe('active');
    await handover.refresh();
    expect(kindOf(handover)).toBe('leaving');
    const [entry] = await state.list('mq/');
    expect(JSON.parse(entry?.value ?? '{}')).toMatchObject({ state: 'leaving', epoch });
  });

  test('is put back in the later state before the color is changed', async () => {
    const { epoch, useDeaf } = world;
    const { handover } = useDeaf();
    world.pause();
    await handover.refresh();
    await handover.transition('red', (standing) => leave(standing, epoch, 'drain'));
    await world.empty();
    const again = await handover.transition('red', join);
    expect(again).toMatchObject({ kind: 'refused', reason: 'still-leaving', state: { epoch } });
  });

  test('is a boundary that somebody deleted: who is told puts it back', async () => {
    const { one, state } = world;
    const keys = (await state.list('mq/')).map(({ key }) => key);
    const fence = keys.find((key) => key.endsWith('/join/0'));
    await world.remove(fence as string);
    await until('it stands again', async () => (await state.get(fence as string)) !== undefined);
    expect(kindOf(one)).toBe('active');
    expect((await state.list('mq/')).map(({ key }) => key)).toEqual(keys);
  });

  test('is not put back after that: the directory is the one that it was put into', async () => {
    const { one, other, state } = world;
    world.pause();
    for (const key of [...(await state.list('mq/')).map(({ key }) => key), MARK]) await world.remove(key);
    await Promise.all([one.refresh(), other.refresh()]);
    expect([kindOf(one), kindOf(other)]).toEqual(['active', 'active']);
    for (const { key } of await state.list('mq/')) await world.remove(key);
    await Promise.all([one.refresh(), other.refresh()]);
    expect([kindOf(one), kindOf(other)]).toEqual([undefined, undefined]);
  });

  test('a coloring that closes ends the wait for a directory that may be being emptied', async () => {
    const { state, use } = world;
    const { handover, coloring } = use();
    await handover.refresh();
    for (const { key } of await state.list('mq/')) await world.remove(key);
    const refreshed = handover.refresh();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await coloring.close();
    await expect(refreshed).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
  });

  test('an entry of the group’s name that an earlier version made gets a mark, and keeps it', async () => {
    const { state, use } = world;
    await world.remove(MARK);
    await state.create(MARK, JSON.stringify({ group: 'GID_order' }));
    await use().handover.refresh();
    const { value } = (await state.get(MARK)) ?? { value: '{}' };
    expect(JSON.parse(value)).toEqual({ group: 'GID_order', since: expect.any(String) });
    await use().handover.refresh();
    expect((await state.get(MARK))?.value).toBe(value);
  });

  test('an entry of the group’s name that cannot be read is left alone, and holds up nothing', async () => {
    const { state, use } = world;
    await world.remove(MARK);
    await state.create(MARK, 'somebody else’s');
    const { handover } = use();
    await handover.refresh();
    expect(kindOf(handover)).toBe('active');
    expect((await state.get(MARK))?.value).toBe('somebody else’s');
  });
});
