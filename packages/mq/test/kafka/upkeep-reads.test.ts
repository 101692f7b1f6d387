import { formatSubscription, subscriptionKey } from '@colorway/core';
import { type RenewalOptions, renewHandover } from '../../src/kafka/handover/renew-handover.js';
import { encodeHandover } from '../../src/ownership/handover-codec.js';
import type { Handover } from '../../src/ownership/handover-state.js';
import { ends, LOG, NAMES, type ReadsWorld, setUpReads } from './reads-world.js';

let world: ReadsWorld;
beforeEach(async () => {
  world = await setUpReads();
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
  const renew = async (options: Partial<RenewalOptions> = {}): Promise<readonly string[]> => {
    const told = await renewHandover(world.handover, { ends, logId: async () => undefined, ...options });
    expect(told.failures).toEqual([]);
    return told.renewed;
  };

  beforeEach(async () => {
    await world.handover.refresh();
    world.lists();
  });

  test('reads nothing where all are of the log as it is', async () => {
    expect(await renew({ logId: async () => LOG })).toEqual([]);
    expect(world.lists()).toEqual([]);
  });

  test('reads, and begins anew, the one that is of another', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7, log: 'log-0' });
    await world.known('it is known', () => world.handover.table.colors.has('red'));
    await world.handover.refresh('red');
    world.lists();
    expect(await renew({ logId: async () => LOG })).toEqual(['red']);
    // Once more where the watch tells of the new epoch first.
    expect(new Set(world.lists())).toEqual(new Set(['red']));
    expect(world.handover.table.colors.get('red')?.handover).toMatchObject({ kind: 'joining', log: LOG });
  });

  test('does not begin anew again what somebody else began anew, of which the watch did not tell yet', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7, log: 'log-0' });
    await world.handover.refresh('red');
    world.deafen();
    await world.stand('red', { kind: 'joining', epoch: 9, since: 9, log: LOG });
    expect(await renew({ logId: async () => LOG })).toEqual([]);
    expect(world.handover.table.colors.get('red')?.handover).toMatchObject({ kind: 'joining', epoch: 9 });
  });

  test('takes no fence that was made meanwhile for one of another log', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7 });
    await world.fence('red', 7, 200n);
    await world.handover.refresh('red');
    // The end is asked again after the read: the log has grown.
    const asked = [100n, 300n];
    const grows = async () => new Map([[0, asked.shift() ?? 300n]]);
    expect(await renew({ ends: grows })).toEqual([]);
  });

  test('finds a boundary behind the end where no id is known', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7 });
    await world.fence('red', 7, 200n);
    await world.handover.refresh('red');
    world.lists();
    expect(await renew()).toEqual(['red']);
    expect(new Set(world.lists())).toEqual(new Set(['red']));
  });

  test('a color whose log nobody knew is of this one, after it was read', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7 });
    await world.handover.refresh('red');
    world.lists();
    expect(await renew({ logId: async () => LOG })).toEqual([]);
    expect(world.lists()).toEqual(['red']);
    expect(world.handover.table.colors.get('red')?.handover).toMatchObject({ kind: 'active', log: LOG });
    await renew({ logId: async () => LOG });
    expect(world.lists()).toEqual([]);
  });
});

describe('a look whether the topic was made anew, for one color', () => {
  let asked: (readonly string[])[];
  let ended = 0;
  const look = (only?: string, id: string | undefined = LOG) =>
    renewHandover(world.handover, {
      only,
      ends: () => {
        ended++;
        return ends();
      },
      logId: async (known) => {
        asked.push([...known].sort());
        return id;
      },
    });
  beforeEach(async () => {
    asked = [];
    ended = 0;
    await world.stand('stale', { kind: 'absent', epoch: 3, since: 4, log: 'log-0' });
    await world.handover.refresh();
    world.lists();
  });

  test('asks once which topic it is, knowing the id of that color, and nothing else of the broker', async () => {
    expect(await look('c-1')).toEqual({ renewed: [], log: LOG, failures: [] });
    expect(asked).toEqual([[LOG]]);
    expect(ended).toBe(0);
    expect(world.lists()).toEqual([]);
  });

  test('knows all ids for a color that has none, and for one that is not there', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7 });
    await world.handover.refresh('red');
    await look('red');
    await look('nobody');
    expect(asked[0]).toEqual(['log-0', LOG]);
    expect(asked.at(-1)).toEqual(['log-0', LOG]);
  });

  test('asks for the ends once, after the read, where the color may be of either topic', async () => {
    await world.stand('red', { kind: 'active', epoch: 7, since: 7 });
    await world.handover.refresh('red');
    world.lists();
    await look('red');
    expect(ended).toBe(1);
    expect(world.lists()).toEqual(['red']);
    await look('red');
    expect(ended).toBe(1);
  });

  test('of all: no ends where each color has an id', async () => {
    expect((await look()).renewed).toEqual(['stale']);
    expect(ended).toBe(0);
  });
});

test('a sweep and another who asks at once share one read', async () => {
  await world.stand('red', { kind: 'absent', epoch: 3, since: 4, log: LOG });
  await world.handover.refresh();
  world.lists();
  await Promise.all([world.handover.refresh('red'), world.sweep()]);
  expect(world.lists()).toEqual(['red']);
  expect(await world.keys()).not.toContain('red');
});

describe('a watch that tells of colors while the topic is read', () => {
  beforeEach(async () => {
    await world.close();
    world = await setUpReads(true);
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
