import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import type { GroupAdmin } from '../../src/kafka/group-admin.js';
import { TopicUpkeep } from '../../src/kafka/handover/topic-upkeep.js';
import { runtimeOf } from '../../src/kafka/mq-runtime.js';
import { activate, join } from '../../src/ownership/handover-state.js';

describe('a look at the identity of a topic', () => {
  const closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.splice(0)) await close();
  });

  /** A topic that a color has joined in, whose id is told, as it was when it was asked for, when the test says so. */
  async function setUp() {
    const coloring = createColoring({ service: 'stock', color: '', directory: memoryDirectory() });
    const { handover, release } = runtimeOf(coloring).useHandover('GID_order', 'orders');
    closers.push(() => coloring.close(), release);
    await handover.transition('red', (state) => join(state, 1, 'first'));
    await handover.transition('red', (state) => activate(state, state.epoch));
    const topic = { id: 'first', asked: 0 };
    const waiting: (() => void)[] = [];
    const admin = {
      ends: async () => new Map([[0, 0n]]),
      beginAgain: async () => {},
    } as unknown as GroupAdmin;
    const logId = async (): Promise<string> => {
      topic.asked++;
      const { id } = topic;
      await new Promise<void>((resolve) => waiting.push(resolve));
      return id;
    };
    const upkeep = new TopicUpkeep({ handover, admin, fromBeginning: true, logId });
    /** The id is told to all who ask, until nobody does. */
    const tellIds = async (looks: Promise<unknown>): Promise<void> => {
      let over = false;
      const done = looks.finally(() => {
        over = true;
      });
      while (!over) {
        for (const tell of waiting.splice(0)) tell();
        await new Promise(setImmediate);
      }
      await done;
    };
    const asked = async (): Promise<void> => {
      while (waiting.length === 0) await new Promise(setImmediate);
    };
    return { handover, upkeep, topic, tellIds, asked };
  }

  it('is one for all who ask before the topic is asked', async () => {
    const { upkeep, topic, tellIds } = await setUp();
    const looks = [upkeep.checkLog(), upkeep.checkLog(), upkeep.checkLog()];
    await tellIds(Promise.all(looks));
    expect(await Promise.all(looks)).toEqual(['first', 'first', 'first']);
    expect(topic.asked).toBe(1);
  });

  it('is not for who asks when the topic was asked: it may have been made again since', async () => {
    const { handover, upkeep, topic, tellIds, asked } = await setUp();
    const early = upkeep.checkLog();
    await asked();
    topic.id = 'second';
    const late = [upkeep.checkLog(), upkeep.checkLog()];
    await tellIds(Promise.all([early, ...late]));
    expect(await Promise.all([early, ...late])).toEqual(['first', 'second', 'second']);
    expect(handover.table.colors.get('red')?.handover).toMatchObject({ kind: 'joining', log: 'second' });
  });
});
