import type { Scope } from '@colorway/core/background';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import type { GroupAdmin } from '../../src/kafka/group-admin.js';
import { HandoverReconciler } from '../../src/kafka/handover/handover-reconciler.js';
import type { TopicHandover } from '../../src/kafka/handover/topic-handover.js';
import { countBatch } from '../../src/kafka/messages/count-batch.js';
import { runtimeOf } from '../../src/kafka/mq-runtime.js';
import { activate, claimClosing, join, leave, startDraining } from '../../src/ownership/handover-state.js';

interface Group {
  members: number;
  committed: bigint | undefined;
}

/** A broker of one partition a topic, as far as a reconciler asks. */
function setUp() {
  const directory = memoryDirectory();
  const coloring = createColoring({ service: 'stock', color: '', directory });
  const runtime = runtimeOf(coloring);
  const groups: Record<string, Group> = {};
  const group = (name: string): Group => {
    groups[name] ??= { members: 0, committed: undefined };
    return groups[name];
  };
  const broker = {
    deleted: [] as string[],
    end: 9n,
    /** Right before a group is asked for its members. */
    onAsk: (_group: string): void => {},
  };
  const admin = {
    logs: async () => new Map([[0, { low: 0n, high: broker.end }]]),
    starts: async () => new Map([[0, 0n]]),
    ends: async () => new Map([[0, broker.end]]),
    committed: async (name: string) => {
      const { committed } = group(name);
      return new Map(committed === undefined ? [] : [[0, committed]]);
    },
    hasMembers: async (name: string) => {
      broker.onAsk(name);
      return group(name).members > 0;
    },
    withoutMembers: async (names: string[]) => new Set(names.filter((name) => group(name).members === 0)),
    beginAgain: async () => {},
    deleteGroup: async (name: string) => {
      broker.deleted.push(name);
    },
  } as unknown as GroupAdmin;
  const releases: (() => void)[] = [() => void coloring.close()];
  const topic = (name: string): TopicHandover => {
    const { handover, release } = runtime.useHandover('GID_order', name);
    releases.push(release);
    return handover;
  };
  const start = (handover: TopicHandover): Scope => {
    const scope = coloring.scope.child('test');
    const reconciler = new HandoverReconciler({ scope, runtime, handover, admin, fromBeginning: true });
    reconciler.start();
    return scope;
  };
  const close = (): void => {
    for (const release of releases.splice(0)) release();
  };
  return { group, broker, topic, start, close };
}

const state = (handover: TopicHandover) => handover.table.colors.get('red')?.handover;
const fences = (handover: TopicHandover) =>
  handover.table.colors.get('red')?.partitions.get(0)?.epochs.at(-1);

/** To an epoch whose messages are all drained. */
async function drained(handover: TopicHandover, closer?: string): Promise<void> {
  const { epoch } = (await handover.transition('red', join)).state;
  await handover.createFence('red', epoch, 'join', 0, 2n);
  await handover.transition('red', (standing) => leave(standing, epoch, 'drain'));
  await handover.createFence('red', epoch, 'stop', 0, 5n);
  await handover.createFence('red', epoch, 'leave', 0, 5n);
  await handover.transition('red', (standing) => startDraining(standing, epoch));
  if (closer !== undefined) {
    await handover.transition('red', (standing) => claimClosing(standing, epoch, closer));
  }
}

describe('the reconciler of a topic’s hand-overs', () => {
  let world: ReturnType<typeof setUp>;
  beforeEach(() => {
    world = setUp();
  });
  afterEach(() => {
    jest.useRealTimers();
    world.close();
  });

  test('reads a group’s offsets after it has seen it without members, and not before', async () => {
    const orders = world.topic('orders');
    Object.assign(world.group('GID_order'), { members: 1, committed: 5n });
    // It handles on, commits, and goes, right before it is asked for.
    let asked = 0;
    world.broker.onAsk = (name) => {
      if (name === 'GID_order' && ++asked === 2) {
        Object.assign(world.group('GID_order'), { members: 0, committed: 8n });
      }
    };
    await orders.transition('red', join);
    world.start(orders);
    await until(() => fences(orders)?.join !== undefined);
    expect(fences(orders)?.join).toBe(8n);
    await until(() => state(orders)?.kind === 'active');
  });

  test('takes over from a closer that is not heard of for half a minute, and from no other', async () => {
    jest.useFakeTimers({ doNotFake: ['nextTick', 'setImmediate', 'queueMicrotask'] });
    const orders = world.topic('orders');
    world.group('GID_red_order').committed = 5n;
    await drained(orders, 'somebody else');
    world.start(orders);
    for (let second = 0; second < 29; second++) await jest.advanceTimersByTimeAsync(1_000);
    expect(state(orders)).toMatchObject({ kind: 'draining', closer: 'somebody else' });
    expect(world.broker.deleted).toEqual([]);
    for (let second = 0; second < 8; second++) await jest.advanceTimersByTimeAsync(1_000);
    expect(state(orders)?.kind).toBe('absent');
    expect(world.broker.deleted).toEqual(['GID_red_order']);
  });

  test('waits until the members of a group have gone, but not where they read other topics in the same color', async () => {
    const orders = world.topic('orders');
    const others = world.topic('others');
    Object.assign(world.group('GID_red_order'), { members: 1, committed: 5n });
    await others.transition('red', join);
    await drained(orders);
    world.start(orders);
    await until(() => state(orders)?.kind === 'absent');
    expect(world.broker.deleted).toEqual([]);

    const alone = setUp();
    try {
      const only = alone.topic('orders');
      Object.assign(alone.group('GID_red_order'), { members: 1, committed: 5n });
      await drained(only);
      alone.start(only);
      await new Promise((resolve) => setTimeout(resolve, 700));
      expect(state(only)).toMatchObject({ kind: 'draining' });
      alone.group('GID_red_order').members = 0;
      await until(() => state(only)?.kind === 'absent');
      expect(alone.broker.deleted).toEqual(['GID_red_order']);
    } finally {
      alone.close();
    }
  });
});

describe('a topic that was deleted and made anew', () => {
  let world: ReturnType<typeof setUp>;
  beforeEach(() => {
    world = setUp();
  });
  afterEach(() => world.close());

  test('has a color that was active join anew where the baseline stands', async () => {
    const orders = world.topic('orders');
    const { epoch } = (await orders.transition('red', join)).state;
    await orders.createFence('red', epoch, 'join', 0, 7n);
    await orders.transition('red', (standing) => activate(standing, epoch));
    world.broker.end = 2n;
    world.group('GID_order').committed = 1n;
    world.start(orders);
    await until(() => state(orders)?.kind === 'active' && fences(orders)?.join === 1n);
    expect((state(orders) as { epoch: number }).epoch).toBeGreaterThan(epoch);
  });

  test('has none of a color that was leaving, and the end of the log is no sign', async () => {
    const orders = world.topic('orders');
    Object.assign(world.group('GID_red_order'), { members: 1, committed: undefined });
    await drained(orders);
    world.broker.end = 5n;
    const first = world.start(orders);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(state(orders)?.kind).toBe('draining');
    await first.dispose();
    world.broker.end = 4n;
    world.start(orders);
    await until(() => state(orders) === undefined);
  });
});

describe('what is left of colors that have left', () => {
  const PARTITIONS = 12;

  test('is nothing, whatever their number: no key, and no longer a look', async () => {
    const directory = memoryDirectory();
    const { state: store } = directory;
    if (store === undefined) throw new Error('no state');
    const coloring = createColoring({ service: 'stock', color: '', directory });
    const { handover, release } = runtimeOf(coloring).useHandover('GID_order', 'orders');
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    let committed = 5n;
    const at = async (offset: bigint) => new Map(partitions.map((partition) => [partition, offset]));
    const admin = {
      logs: async () => new Map(partitions.map((partition) => [partition, { low: 0n, high: 1_000n }])),
      starts: () => at(0n),
      ends: () => at(1_000n),
      committed: (group: string) => at(group === 'GID_order' ? committed : 8n),
      hasMembers: async () => false,
      withoutMembers: async (names: string[]) => new Set(names),
      deleteGroup: async () => {},
      beginAgain: async () => {},
    } as unknown as GroupAdmin;
    const scope = coloring.scope.child('test');
    new HandoverReconciler({
      ...{ scope, runtime: runtimeOf(coloring), handover, admin, fromBeginning: true },
    }).start();
    try {
      const living = await handover.transition('living', join);
      await until(() => handover.table.colors.get('living')?.handover.kind === 'active');
      const rest = (await store.list(handover.prefix)).length;
      expect(living.kind).toBe('next');
      for (let round = 0; round < 25; round++) {
        const color = `color-${round}`;
        const joined = await handover.transition(color, join);
        const { epoch } = joined.state;
        await until(() => handover.table.colors.get(color)?.handover.kind === 'active');
        await handover.transition(color, (standing) => leave(standing, epoch, 'drain'));
        // The color had up to 8, and the baseline is behind it: the entry alone stays, with what it has to pass over.
        await until(() => handover.table.colors.get(color)?.handover.kind === 'absent');
        await until(async () => (await store.list(`${handover.prefix}${color}/`)).length === 0);
      }
      expect((await store.list(handover.prefix)).length).toBe(rest + 25);
      committed = 8n;
      await until(async () => (await store.list(handover.prefix)).length === rest);
      await until(() => [...handover.table.colors.keys()].join() === 'living');
    } finally {
      await scope.dispose();
      release();
      await coloring.close();
    }
  }, 60_000);
});

describe('counting what is given up', () => {
  const offsets = ['3', '4', '5', '6', '7'];
  const payload = (resolved: string[]) => ({
    batch: { messages: offsets.map((offset) => ({ offset })), lastOffset: () => '7' },
    resolveOffset: (offset: string) => void resolved.push(offset),
  });
  const member = (said: number[], fails = false) => ({
    coloring: { carriers: { messageProperties: ['DMQ_ENV_TAG'] } },
    steps: {
      verdict: (_held: unknown, _color: unknown, offset: string) =>
        offset === '7' ? 'stop' : Number(offset) % 2 === 0 ? 'own' : 'foreign',
    },
    discarding: async (_held: unknown, { messages }: { messages: number }) => {
      if (fails) throw new Error('the directory is away');
      said.push(messages);
    },
  });
  const held = () => {
    const passed: string[] = [];
    return {
      passed: (offset: string) => passed.push(offset),
      reached: () => passed.push('end'),
      current: true,
      all: passed,
    };
  };

  test('says so before it lets anything be committed, and stops at the fence', async () => {
    const resolved: string[] = [];
    const said: number[] = [];
    const one = held();
    await countBatch(member(said) as never, one as never, payload(resolved) as never, {
      from: 3n,
      messages: 10,
    });
    expect(said).toEqual([12]);
    expect(resolved).toEqual(['6']);
    expect(one.all).toEqual(['6', 'end']);
  });

  test('lets nothing be committed where it cannot say so', async () => {
    const resolved: string[] = [];
    const counting = countBatch(member([], true) as never, held() as never, payload(resolved) as never, {
      from: 3n,
      messages: 0,
    });
    await expect(counting).rejects.toThrow('away');
    expect(resolved).toEqual([]);
  });
});

async function until(check: () => boolean | Promise<boolean>, timeoutMs = 10_000): Promise<void> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
    if (await check()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('It was waited in vain.');
}
