import { formatSubscription, type StateStore, subscriptionKey } from '@colorway/core';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import type { GroupAdmin } from '../../src/kafka/group-admin.js';
import { renewHandover, sweepHandover } from '../../src/kafka/handover/sweep-handover.js';
import { TopicUpkeep } from '../../src/kafka/handover/topic-upkeep.js';
import { runtimeOf } from '../../src/kafka/mq-runtime.js';
import { encodeFence, encodeHandover } from '../../src/ownership/handover-codec.js';
import { fenceKey, handoverPrefix, stateKey } from '../../src/ownership/handover-keys.js';
import type { Handover } from '../../src/ownership/handover-state.js';
import { until } from './until.js';

const NAMES = { group: 'GID_order', topic: 'orders' };
const LOG = 'log-1';
const ends = async () => new Map([[0, 100n]]);

/**
 * A process, and others that write. Its lists are counted by what they are of.
 *
 * @param deaf its watch tells what the test tells, and nothing else.
 */
async function setUp(deaf = false) {
  const directory = memoryDirectory();
  const { state } = directory;
  if (state === undefined) throw new Error('no state');
  let lists: string[] = [];
  let isDeaf = deaf;
  let fails = false;
  let gate: Promise<void> | undefined;
  let tell: Parameters<StateStore['watch']>[1] | undefined;
  const counted: StateStore = {
    ...{ get: state.get.bind(state), create: state.create.bind(state) },
    compareAndSet: state.compareAndSet.bind(state),
    compareAndDelete: state.compareAndDelete.bind(state),
    list: async (prefix) => {
      if (prefix.startsWith('mq/')) lists.push(prefix);
      if (fails) throw new Error('not now');
      const entries = await state.list(prefix);
      await gate;
      return entries;
    },
    watch: (prefix, observer) => {
      if (prefix.startsWith('mq/')) tell = observer;
      return state.watch(prefix, {
        ...{ current: () => observer.current(), error: (error) => observer.error(error) },
        next: (change) => {
          if (!isDeaf) observer.next(change);
        },
      });
    },
  };
  // Living colors, from before it came.
  const before = handoverPrefix(NAMES.group, NAMES.topic);
  for (let at = 0; at < 10; at++) {
    await state.create(fenceKey(before, `c-${at}`, 1, 'join', 0), encodeFence(5n, 'other'));
    const active: Handover = { kind: 'active', epoch: 1, since: 1, log: LOG };
    await state.create(stateKey(before, `c-${at}`), encodeHandover(active, NAMES));
  }
  const coloring = createColoring({
    service: 'stock',
    color: '',
    directory: { ...directory, state: counted },
  });
  const runtime = runtimeOf(coloring);
  const { handover, release } = runtime.useHandover(NAMES.group, NAMES.topic);
  const { prefix } = handover;
  const keys = async () => (await state.list(prefix)).map(({ key }) => key.slice(prefix.length));
  return {
    ...{ state, runtime, handover, keys },
    stand: async (color: string, handed: Handover) => {
      const key = stateKey(prefix, color);
      const standing = await state.get(key);
      if (standing === undefined) await state.create(key, encodeHandover(handed, NAMES));
      else await state.compareAndSet(key, encodeHandover(handed, NAMES), standing.version);
    },
    fence: async (color: string, epoch: number, offset: bigint) => {
      await state.create(fenceKey(prefix, color, epoch, 'join', 0), encodeFence(offset, 'other'));
    },
    known: (what: string, holds: () => boolean) => until(what, async () => holds()),
    /** What was listed since it was last asked, by color; '' is the topic. */
    lists: () => {
      const found = lists.map((one) => one.slice(prefix.length));
      lists = [];
      return found;
    },
    deafen: () => {
      isDeaf = true;
    },
    /** The watch says that it failed, or that it is well. */
    watch: (says: 'error' | 'current') => {
      if (says === 'error') tell?.error(new Error('away'));
      else tell?.current();
    },
    /** Answers are held back until what comes back is called. */
    hold: () => {
      let release = (): void => {};
      gate = new Promise((resolve) => {
        release = resolve;
      });
      return () => release();
    },
    /** All that stands, as a watch that begins anew tells it. */
    tellAll: async () => tell?.next({ kind: 'snapshot', entries: await state.list(prefix) }),
    refuse: (now: boolean) => {
      fails = now;
    },
    sweep: (reached = 1_000n) => sweepHandover(handover, { reached: async () => () => reached }),
    close: async () => {
      release();
      await coloring.close();
    },
  };
}

let world: Awaited<ReturnType<typeof setUp>>;
beforeEach(async () => {
  world = await setUp();
});
afterEach(() => world.close());

describe('a sweep beside colors that live', () => {
  const begin = async (): Promise<void> => {
    await world.handover.refresh();
    await world.known('nothing is doubtful', () => world.handover.doubtful.length === 0);
    world.lists();
  };

  test('reads nothing where nothing has left', async () => {
    await begin();
    expect(await world.sweep()).toBe(false);
    expect(world.lists()).toEqual([]);
  });

  test('deletes a fence that was made too late, and reads its color alone', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7, log: LOG });
    await begin();
    const { version } = world.handover.table;
    await world.fence('red', 3, 5n);
    await world.known('it was told', () => world.handover.over.includes('red'));
    expect(world.handover.table.version).toBe(version);
    await world.sweep();
    expect(world.lists()).toEqual(['red']);
    expect(await world.keys()).not.toContain('red/3/join/0');
  });

  test('deletes the fences of an epoch that was folded by a color that joined again', async () => {
    await world.stand('red', { kind: 'active', epoch: 3, since: 3, log: LOG });
    await world.fence('red', 3, 5n);
    await begin();
    const kind = () => world.handover.table.colors.get('red')?.handover.kind;
    await world.stand('red', { kind: 'absent', epoch: 3, since: 4, log: LOG });
    await world.known('it has left', () => kind() === 'absent');
    await world.stand('red', { kind: 'joining', epoch: 9, since: 9, log: LOG });
    await world.known('it has joined', () => kind() === 'joining');
    expect(world.lists()).toEqual([]);
    await world.sweep();
    expect(world.lists()).toEqual(['red']);
    expect(await world.keys()).toContain('red');
    expect(await world.keys()).not.toContain('red/3/join/0');
  });

  test('deletes fences without a state, whether they stood before or are told of later', async () => {
    await world.fence('old', 3, 5n);
    await begin();
    await world.fence('late', 3, 5n);
    await world.known('both are known', () => world.handover.over.length === 2);
    await world.sweep();
    expect((await world.keys()).filter((key) => !key.startsWith('c-'))).toEqual([]);
    // The look that finds nothing is the last one.
    await world.sweep();
    world.lists();
    await world.sweep();
    expect(world.lists()).toEqual([]);
  });

  test('deletes the entry of a color that left elsewhere, when the baseline has passed what it had', async () => {
    await world.stand('red', { kind: 'active', epoch: 3, since: 3, log: LOG });
    await begin();
    const past = new Map([[0, [{ join: 5n, leave: 50n }]]]);
    await world.stand('red', { kind: 'absent', epoch: 3, since: 4, past, log: LOG });
    await world.known('it was told', () => world.handover.over.includes('red'));
    expect(await world.sweep(20n)).toBe(true);
    expect(await world.keys()).toContain('red');
    expect(await world.sweep(50n)).toBe(false);
    expect(await world.keys()).not.toContain('red');
    expect(world.lists()).not.toContain('');
  });

  test('does it the next time, when the directory refused to answer', async () => {
    await world.fence('old', 3, 5n);
    await begin();
    world.refuse(true);
    await expect(world.sweep()).rejects.toThrow('not now');
    world.refuse(false);
    await world.sweep();
    expect(await world.keys()).not.toContain('old/3/join/0');
  });
});

describe('a look whether the topic was made anew', () => {
  beforeEach(async () => {
    await world.handover.refresh();
    world.lists();
  });

  test('reads nothing where all are of the log as it is', async () => {
    expect(await renewHandover(world.handover, ends, async () => LOG)).toEqual([]);
    expect(world.lists()).toEqual([]);
  });

  test('reads, and begins anew, the one that is of another', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7, log: 'log-0' });
    await world.known('it is known', () => world.handover.table.colors.has('red'));
    await world.handover.refresh('red');
    world.lists();
    expect(await renewHandover(world.handover, ends, async () => LOG)).toEqual(['red']);
    expect(world.lists()).toEqual(['red']);
    expect(world.handover.table.colors.get('red')?.handover).toMatchObject({ kind: 'joining', log: LOG });
  });

  test('does not begin anew again what somebody else began anew, of which the watch did not tell yet', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7, log: 'log-0' });
    await world.handover.refresh('red');
    world.deafen();
    await world.stand('red', { kind: 'joining', epoch: 9, since: 9, log: LOG });
    expect(await renewHandover(world.handover, ends, async () => LOG)).toEqual([]);
    expect(world.handover.table.colors.get('red')?.handover).toMatchObject({ kind: 'joining', epoch: 9 });
  });

  test('takes no fence that was made meanwhile for one of another log', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7 });
    await world.fence('red', 7, 200n);
    await world.handover.refresh('red');
    // The end is asked again after the read: the log has grown.
    const asked = [100n, 300n];
    const grows = async () => new Map([[0, asked.shift() ?? 300n]]);
    expect(await renewHandover(world.handover, grows)).toEqual([]);
  });

  test('finds a boundary behind the end where no id is known', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7 });
    await world.fence('red', 7, 200n);
    await world.handover.refresh('red');
    world.lists();
    expect(await renewHandover(world.handover, ends)).toEqual(['red']);
    expect(world.lists()).toEqual(['red']);
  });

  test('a color whose log nobody knew is of this one, after it was read', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7 });
    await world.handover.refresh('red');
    world.lists();
    expect(await renewHandover(world.handover, ends, async () => LOG)).toEqual([]);
    expect(world.lists()).toEqual(['red']);
    expect(world.handover.table.colors.get('red')?.handover).toMatchObject({ kind: 'active', log: LOG });
    await renewHandover(world.handover, ends, async () => LOG);
    expect(world.lists()).toEqual([]);
  });
});

describe('a watch that tells of colors while the topic is read', () => {
  beforeEach(async () => {
    await world.close();
    world = await setUp(true);
  });

  test('is asked about nothing that the read tells', async () => {
    const release = world.hold();
    const reading = world.handover.refresh();
    await world.known('the read was sent', () => world.lists().length === 1);
    await world.tellAll();
    expect(world.handover.doubtful).toHaveLength(10);
    release();
    await reading;
    expect(world.handover.doubtful).toEqual([]);
    expect(world.lists()).toEqual([]);
  });

  test('what the read does not tell is asked for when it is over', async () => {
    const release = world.hold();
    const reading = world.handover.refresh();
    await world.known('the read was sent', () => world.lists().length === 1);
    await world.stand('red', { kind: 'active', epoch: 3, since: 3, log: LOG });
    await world.tellAll();
    expect(world.handover.doubtful).toContain('red');
    expect(world.lists()).toEqual([]);
    release();
    await reading;
    await world.known('it is no longer doubtful', () => world.handover.doubtful.length === 0);
    expect(world.lists()).toEqual(['red']);
    expect(world.handover.table.colors.get('red')?.handover.kind).toBe('active');
  });
});

describe('upkeep', () => {
  const upkeep = () => {
    const admin = { ends, withoutMembers: async () => new Set() } as unknown as GroupAdmin;
    return new TopicUpkeep({ handover: world.handover, admin, fromBeginning: true, logId: async () => LOG });
  };
  beforeEach(async () => {
    await world.handover.refresh();
    world.lists();
  });

  test('reads nothing where nothing is over, and the watch tells', async () => {
    await upkeep().work();
    expect(world.lists()).toEqual([]);
  });

  test('reads the topic while the watch fails', async () => {
    world.deafen();
    world.watch('error');
    await world.stand('red', { kind: 'joining', epoch: 3, since: 3, log: LOG });
    await upkeep().work();
    expect(world.lists()).toEqual(['']);
    expect(world.handover.table.colors.get('red')?.handover.kind).toBe('joining');
    world.watch('current');
    await upkeep().work();
    expect(world.lists()).toEqual([]);
  });
});

test('where a color stands in the topics of a group is asked for the topics that its service consumes', async () => {
  const { state, runtime, handover, lists } = world;
  lists();
  const record = async (service: string, topic: string, group = NAMES.group): Promise<void> => {
    const name = { service, color: 'red', broker: 'kafka', group, topic };
    await state.create(subscriptionKey(name), formatSubscription({ ...name, state: 'joined', at: 1 }));
  };
  const stand = async (topic: string, handed: Handover): Promise<void> => {
    await state.create(`mq/GID_order/${topic}/red`, encodeHandover(handed, { ...NAMES, topic }));
  };
  await record('stock', 'orders');
  await record('stock', 'returns');
  await record('stock', 'others', 'GID_other');
  await stand('returns', { kind: 'leaving', epoch: 3, since: 3, onLeave: 'drain' });
  await stand('others', { kind: 'leaving', epoch: 3, since: 3, onLeave: 'drain' });
  expect((await runtime.consumed(handover, 'red')).map(({ kind }) => kind)).toEqual(['leaving']);
  expect(lists()).toEqual([]);
});
