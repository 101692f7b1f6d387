import type { GroupAdmin } from '../../src/kafka/group-admin.js';
import { TopicUpkeep } from '../../src/kafka/handover/topic-upkeep.js';
import { ends, LOG, type ReadsWorld, setUpReads } from './reads-world.js';

let world: ReadsWorld;
afterEach(() => world.close());

/** @param logId which topic it is now. */
const upkeep = (logId: () => Promise<string | undefined> = async () => LOG): TopicUpkeep => {
  const admin = {
    ...{ ends, withoutMembers: async () => new Set(), beginAgain: async () => {} },
    committed: async () => new Map(),
    starts: async () => new Map(),
  } as unknown as GroupAdmin;
  return new TopicUpkeep({ handover: world.handover, admin, fromBeginning: true, logId });
};

describe('upkeep, of what is read', () => {
  beforeEach(async () => {
    world = await setUpReads();
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

  test('reads the topic now and then, for a watch that tells nothing and does not say so', async () => {
    world.deafen();
    await world.stand('red', { kind: 'joining', epoch: 3, since: 3, log: LOG });
    const now = performance.now();
    const clock = jest.spyOn(performance, 'now').mockImplementation(() => now + 301_000);
    try {
      await upkeep().work();
    } finally {
      clock.mockRestore();
    }
    expect(world.lists()).toEqual(['']);
    expect(world.handover.table.colors.get('red')?.handover.kind).toBe('joining');
  });
});

describe('upkeep of a process that is new, before its watch tells anything', () => {
  beforeEach(async () => {
    world = await setUpReads(true);
  });

  test('reads the topic, once', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7, log: 'log-0' });
    await world.fence('old', 3, 5n);
    await upkeep().work();
    expect(world.lists().filter((one) => one === '')).toEqual(['']);
    expect(world.handover.table.colors.get('red')?.handover).toMatchObject({ kind: 'joining', log: LOG });
    expect(await world.keys()).not.toContain('old/3/join/0');
  });

  test('shares the read of it that is under way', async () => {
    const release = world.hold();
    const reading = world.handover.refresh();
    const working = upkeep().work();
    release();
    await Promise.all([reading, working]);
    expect(world.lists()).toEqual(['']);
  });
});

describe('the look which topic it is', () => {
  beforeEach(async () => {
    world = await setUpReads(true);
  });

  test('who has read the topic since a look began has another one: that one knew of no color', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7, log: 'log-0' });
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    let asked = 0;
    const look = upkeep(async () => {
      asked++;
      await gate;
      return LOG;
    });
    const early = look.checkLog();
    await world.known('the look is under way', () => asked === 1);
    await world.handover.refresh();
    const late = look.checkLog();
    release();
    await Promise.all([early, late]);
    expect(world.handover.table.colors.get('red')?.handover).toMatchObject({ kind: 'joining', log: LOG });
  });

  test('is of the topic as it is after it was asked for', async () => {
    let is = LOG;
    const gates: (() => void)[] = [];
    const look = upkeep(async () => {
      const told = is;
      await new Promise<void>((resolve) => gates.push(resolve));
      return told;
    });
    await world.handover.refresh();
    const early = look.checkLog();
    await world.known('the look is under way', () => gates.length === 1);
    is = 'log-2';
    const late = look.checkLog();
    gates.shift()?.();
    expect(await early).toBe(LOG);
    const told = late.then((log) => log);
    const opened = setInterval(() => gates.shift()?.(), 1);
    expect(await told).toBe('log-2');
    clearInterval(opened);
  });

  test('for one color does not wait for another one, whose reads hang', async () => {
    const look = upkeep(async () => LOG);
    await world.handover.refresh();
    world.hang('blue');
    await world.stand('blue', { kind: 'joining', epoch: 9, since: 9, log: LOG });
    await world.tellAll();
    expect(world.handover.doubtful).toContain('blue');
    await world.stand('red', { kind: 'active', epoch: 7, since: 7, log: 'log-0' });
    await world.tellAll();
    expect(await look.checkLog('red')).toBe(LOG);
    expect(world.handover.table.colors.get('red')?.handover).toMatchObject({ kind: 'joining', log: LOG });
  });

  test('is one for all that ask in one turn', async () => {
    let asked = 0;
    const look = upkeep(async () => {
      asked++;
      return LOG;
    });
    await world.handover.refresh();
    await Promise.all(Array.from({ length: 12 }, () => look.checkLog()));
    expect(asked).toBe(1);
  });
});
