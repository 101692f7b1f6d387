import type { GroupAdmin } from '../../src/kafka/group-admin.js';
import { TopicUpkeep } from '../../src/kafka/handover/topic-upkeep.js';
import { ends, LOG, type ReadsWorld, setUpReads } from './reads-world.js';

const COLORS = ['red', 'green', 'blue'];

let world: ReadsWorld;
beforeEach(async () => {
  world = await setUpReads();
});
afterEach(() => world.close());

/** @param beginAgain for a group, where the topic was made again. */
function upkeepWith(beginAgain: (group: string) => Promise<void> = async () => {}): TopicUpkeep {
  const admin = {
    ...{ ends, beginAgain, withoutMembers: async () => new Set() },
    committed: async () => new Map([[0, 1_000n]]),
    starts: async () => new Map(),
  } as unknown as GroupAdmin;
  return new TopicUpkeep({ handover: world.handover, admin, fromBeginning: true, logId: async () => LOG });
}

const states = (): string[] =>
  COLORS.map((color) => {
    const state = world.handover.table.colors.get(color)?.handover;
    return state !== undefined && 'log' in state ? `${state.kind} in ${state.log}` : 'gone';
  });

describe('colors of a topic that was made again, one of which fails', () => {
  beforeEach(async () => {
    for (const color of COLORS)
      await world.stand(color, { kind: 'active', epoch: 7, since: 7, log: 'log-0' });
    await world.handover.refresh();
    world.lists();
  });
  const old = 'active in log-0';
  const anew = `joining in ${LOG}`;

  test.each(COLORS)(
    'at the broker, %s: the others begin anew, and it does with the next look',
    async (failing) => {
      const begun: string[] = [];
      let fails = true;
      const upkeep = upkeepWith(async (group) => {
        if (fails && group === `GID_${failing}_order`) throw new Error('not now');
        begun.push(group);
      });
      await expect(upkeep.checkLog()).rejects.toThrow('not now');
      expect(states()).toEqual(COLORS.map((color) => (color === failing ? old : anew)));
      expect(begun).toHaveLength(2);
      fails = false;
      expect(await upkeep.checkLog()).toBe(LOG);
      expect(states()).toEqual([anew, anew, anew]);
      expect(begun.sort()).toEqual(COLORS.map((color) => `GID_${color}_order`).sort());
    },
  );

  test.each(COLORS)(
    'in the directory, %s: the others begin anew, and it does with the next look',
    async (failing) => {
      const begun: string[] = [];
      const upkeep = upkeepWith(async (group) => void begun.push(group));
      world.refuseWrites(failing);
      await expect(upkeep.checkLog()).rejects.toThrow(`not ${failing}`);
      expect(states()).toEqual(COLORS.map((color) => (color === failing ? old : anew)));
      world.refuseWrites(undefined);
      expect(await upkeep.checkLog()).toBe(LOG);
      expect(states()).toEqual([anew, anew, anew]);
      expect(new Set(begun)).toEqual(new Set(COLORS.map((color) => `GID_${color}_order`)));
    },
  );

  test('the look of another color does not see it', async () => {
    const upkeep = upkeepWith(async (group) => {
      if (group === 'GID_red_order') throw new Error('not now');
    });
    expect(await upkeep.checkLog('blue')).toBe(LOG);
    expect(states()).toEqual([old, old, anew]);
  });

  test('what has left is swept all the same, and the look is tried again', async () => {
    await world.stand('old', { kind: 'absent', epoch: 3, since: 4, log: LOG });
    await world.handover.refresh('old');
    let asked = 0;
    const upkeep = upkeepWith(async (group) => {
      if (group !== 'GID_red_order') return;
      asked++;
      throw new Error('not now');
    });
    await expect(upkeep.work()).rejects.toThrow('not now');
    expect(await world.keys()).not.toContain('old');
    await expect(upkeep.work()).rejects.toThrow('not now');
    expect(asked).toBe(2);
  });
});

test.each(COLORS)(
  'a sweep in which %s cannot be written deletes what is left of the others',
  async (failing) => {
    for (const color of COLORS) {
      await world.stand(color, { kind: 'absent', epoch: 3, since: 4, log: LOG });
      await world.fence(color, 3, 5n);
    }
    await world.handover.refresh();
    world.refuseWrites(failing);
    await expect(world.sweep()).rejects.toThrow(`not ${failing}`);
    const left = (await world.keys()).filter((key) => !key.startsWith('c-'));
    // Neither the entry without its fences, nor they without it.
    expect(left.sort()).toEqual([failing, `${failing}/3/join/0`]);
    world.refuseWrites(undefined);
    expect(await world.sweep()).toBe(false);
    expect((await world.keys()).filter((key) => !key.startsWith('c-'))).toEqual([]);
  },
);
