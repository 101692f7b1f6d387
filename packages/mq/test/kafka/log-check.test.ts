import { type Coloring, ColorwayError } from '@colorway/core';
import { GroupSession } from '../../src/kafka/consumer/group-session.js';
import { MemoryShop } from './memory-shop.js';
import { until } from './until.js';

const TEST_MS = 120_000;

/** A batch may be of another topic than the one that is known: it was made again, and only the broker can tell. */
describe('a batch that comes while the broker does not say which topic this is', () => {
  let shop: MemoryShop;
  /** `undefined`: as it is. */
  let answer: (() => Promise<string | undefined>) | undefined;
  let asked = 0;
  beforeEach(() => {
    shop = new MemoryShop();
    answer = undefined;
    asked = 0;
    const topicId = GroupSession.prototype.topicId;
    jest.spyOn(GroupSession.prototype, 'topicId').mockImplementation(function (this: GroupSession, ...args) {
      asked++;
      return answer?.() ?? topicId.apply(this, args);
    });
  });
  afterEach(async () => {
    jest.restoreAllMocks();
    await shop.close();
  }, 30_000);

  const silent = async (): Promise<never> => {
    throw new ColorwayError('COLORWAY_BROKER_SILENT', 'The broker is silent.');
  };
  const waitsFor = (coloring: Coloring): string | undefined =>
    coloring.mq.status().consumers[0]?.partitions[0]?.waiting?.for;

  /** The first batch of a topic in which a color is. */
  const setUp = async (reader: 'base' | 'red') => {
    const base = await shop.start('base');
    const red = await shop.start('red', { color: 'red' });
    await shop.untilHandover('red', 'active', 30_000);
    await until('both are open', async () => !waitsFor(base.coloring) && !waitsFor(red.coloring), 30_000);
    const { coloring } = reader === 'base' ? base : red;
    return { coloring, send: () => shop.send(1, reader === 'base' ? undefined : 'red') };
  };

  it.each(['base', 'red'] as const)(
    'waits, says so, asks ever less often, and is handled once when it is said: %s',
    async (reader) => {
      const { coloring, send } = await setUp(reader);
      answer = silent;
      const before = asked;
      const ids = await send();
      await until('it waits', async () => waitsFor(coloring) === 'topic-id', 30_000);
      const [consumer] = coloring.mq.status().consumers;
      expect(consumer).toMatchObject({ phase: 'running', handled: 0 });
      // Each failure is waited out: 200 ms, 400, and so on.
      await until('it has asked again', async () => asked > before + 3, 30_000);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(asked - before).toBeLessThan(30);
      answer = undefined;
      await until('it is handled', async () => shop.handled.length === 1, 30_000);
      expect(shop.handled).toEqual([{ by: reader, id: ids[0] }]);
      expect(waitsFor(coloring)).toBeUndefined();
    },
    TEST_MS,
  );

  it.each([undefined, 'red'])(
    'is of a topic that was made again meanwhile: it is handled once, where it belongs: %s',
    async (color) => {
      const base = await shop.start('base');
      await shop.start('red', { color: 'red' });
      await shop.untilHandover('red', 'active', 30_000);
      const old = await shop.send(4, color);
      await until('they are handled', async () => shop.handled.length === 4, 30_000);
      answer = silent;
      const admin = shop.broker.admin();
      await admin.deleteTopics({ topics: [shop.topic] });
      await admin.createTopics({ topics: [{ topic: shop.topic, numPartitions: 2 }] });
      const ids = await shop.send(2, color);
      await until('it waits', async () => waitsFor(base.coloring) === 'topic-id', 30_000);
      expect(shop.handled).toHaveLength(4);
      answer = undefined;
      await until('they are handled', async () => shop.handled.length >= 6, 30_000);
      const later = await shop.send(2, color);
      await until('later ones too', async () => shop.handled.length >= 8, 30_000);
      const by = color ?? 'base';
      expect(shop.handled.map((one) => `${one.by} ${one.id}`).sort()).toEqual(
        [...old, ...ids, ...later].map((id) => `${by} ${id}`),
      );
    },
    TEST_MS,
  );

  it(
    'is waited for where people see it',
    async () => {
      const { coloring, send } = await setUp('base');
      let tell = (): void => {};
      const told = new Promise<void>((resolve) => {
        tell = resolve;
      });
      answer = async () => {
        await told;
        return undefined;
      };
      await send();
      await until('it waits', async () => waitsFor(coloring) === 'topic-id', 30_000);
      answer = undefined;
      tell();
      await until('it is handled', async () => shop.handled.length === 1, 30_000);
      expect(waitsFor(coloring)).toBeUndefined();
    },
    TEST_MS,
  );

  it(
    'a color that joins in several topics asks for all of them at once',
    async () => {
      const topics = ['orders', 'returns', 'invoices'];
      let tell = (): void => {};
      const told = new Promise<void>((resolve) => {
        tell = resolve;
      });
      answer = async () => {
        await told;
        return undefined;
      };
      const starting = shop.start('red', { color: 'red', topics });
      await until('all are asked for', async () => asked === topics.length, 30_000);
      tell();
      answer = undefined;
      await starting;
    },
    TEST_MS,
  );
});
