import type { MemoryConsumer } from '@colorway/mq/memory';
import { MemoryShop } from './memory-shop.js';
import { until, untilThere } from './until.js';

const TEST_MS = 180_000;

interface Gate {
  open(): void;
  readonly passed: Promise<void>;
}

function gate(): Gate {
  let open = (): void => {};
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

/** A handler that notes what it got, and holds it until it may go on. */
function slow(shop: MemoryShop, by: string) {
  const { open, passed } = gate();
  let begun = 0;
  return {
    go: open,
    begun: () => begun,
    run: {
      eachMessage: async ({ message }: { message: { value: Buffer | null } }) => {
        begun++;
        await passed;
        shop.handled.push({ by, id: String(message.value) });
      },
    },
  };
}

/** The messages of one partition. */
async function send(shop: MemoryShop, ids: readonly string[], color?: string): Promise<void> {
  const producer = shop.broker.producer();
  await producer.connect();
  const headers = color === undefined ? {} : { DMQ_ENV_TAG: color };
  await producer.send({
    topic: shop.topic,
    messages: ids.map((value) => ({ value, headers, partition: 0 })),
  });
}

async function makeAgain(shop: MemoryShop): Promise<void> {
  const admin = shop.broker.admin();
  await admin.deleteTopics({ topics: [shop.topic] });
  await admin.createTopics({ topics: [{ topic: shop.topic, numPartitions: 2 }] });
}

async function committed(shop: MemoryShop, groupId = shop.group): Promise<number> {
  const [found] = await shop.broker.admin().fetchOffsets({ groupId, topics: [shop.topic] });
  return Number(found?.partitions[0]?.offset ?? -1);
}

/** The id of the topic that the color has joined in, as the directory has it. */
async function joinedIn(shop: MemoryShop): Promise<string | undefined> {
  const entry = await shop.uncounted.get(`mq/${shop.group}/${shop.topic}/red`);
  return entry && (JSON.parse(entry.value) as { log?: string }).log;
}

/** The color begins again in the new topic, which is noticed by an assignment at the latest. */
async function noticed(shop: MemoryShop, old: string | undefined): Promise<void> {
  await shop.start('base');
  await until('it is noticed', async () => (await joinedIn(shop)) !== old, 60_000);
  await shop.untilHandover('red', 'active', 60_000);
}

/** Once all are handled: each of them once, and by whom. */
async function handledOnce(shop: MemoryShop, wanted: Readonly<Record<string, string>>): Promise<void> {
  const ids = Object.keys(wanted);
  const count = (): number => new Set(shop.handled.map(({ id }) => id)).size;
  await untilThere(`all of ${ids} (by now: ${JSON.stringify(shop.handled)})`, count, ids.length);
  expect(shop.handled.map(({ by, id }) => `${id}: ${by}`).sort()).toEqual(
    ids.map((id) => `${id}: ${wanted[id]}`).sort(),
  );
}

/** The client of the color's group: what it does not fetch, the adapter does not learn. */
function clientOf(shop: MemoryShop, color: string): () => MemoryConsumer {
  let found: MemoryConsumer | undefined;
  shop.intercept = (consumer, groupId) => {
    if (groupId.includes(color)) found = consumer;
  };
  return () => found as MemoryConsumer;
}

describe('a topic that is deleted and made again', () => {
  let shop: MemoryShop;
  beforeEach(() => {
    shop = new MemoryShop({ group: 'GID_again' });
  });
  afterEach(() => shop.close());

  it(
    'with as many messages as had been read, none of them fetched yet: a color begins at the first',
    async () => {
      const client = clientOf(shop, 'GID_again');
      await shop.start('base');
      const first = await shop.start('red', { color: 'red' });
      await shop.untilHandover('red', 'active', 60_000);
      const old = await joinedIn(shop);
      await send(shop, ['old']);
      await until('it is read', async () => (await committed(shop)) === 1, 60_000);
      await first.consumer.disconnect();
      await first.coloring.close();
      // The baseline's client learns nothing of the new topic before the boundary is made.
      client().pause([{ topic: shop.topic, partitions: [0] }]);
      await makeAgain(shop);
      await send(shop, ['new'], 'red');
      await shop.start('red', { color: 'red' });
      await until('it is noticed', async () => (await joinedIn(shop)) !== old, 60_000);
      await shop.untilHandover('red', 'active', 60_000);
      client().resume([{ topic: shop.topic, partitions: [0] }]);
      await handledOnce(shop, { old: 'base', new: 'red' });
    },
    TEST_MS,
  );

  it(
    'before anything was read in it: what a slow color has yet to read is not lost when it is noticed',
    async () => {
      const red = slow(shop, 'red');
      await shop.start('base');
      await shop.start('red', { color: 'red', run: red.run });
      await shop.untilHandover('red', 'active', 60_000);
      const old = await joinedIn(shop);
      await makeAgain(shop);
      await send(shop, ['a', 'b', 'c'], 'red');
      await until('red has the first', () => red.begun() > 0, 60_000);
      await until('the baseline has passed over them', async () => (await committed(shop)) === 3, 60_000);
      await noticed(shop, old);
      red.go();
      await send(shop, ['d'], 'red');
      await handledOnce(shop, { a: 'red', b: 'red', c: 'red', d: 'red' });
    },
    TEST_MS,
  );

  it(
    'while a color joins, which has asked for its id before: what the baseline passes over then is not lost',
    async () => {
      await shop.start('base');
      const state = `mq/${shop.group}/${shop.topic}/red`;
      const [write, look] = [gate(), gate()];
      let step: 'asking' | 'to write' | 'to look' = 'asking';
      shop.onRequest = async (call, subject, by) => {
        if (by !== 'red') return;
        if (step === 'to look') return look.passed;
        if (!['create', 'compareAndSet'].includes(call) || subject !== state) return;
        step = 'to write';
        await write.passed;
        step = 'to look';
      };
      const starting = shop.start('red', { color: 'red' });
      await until('the color has asked', () => step === 'to write', 60_000);
      await makeAgain(shop);
      await send(shop, ['plain']);
      await until('the baseline reads the new one', () => shop.handled.length === 1, 60_000);
      write.open();
      await until(
        'there is a boundary',
        async () => (await shop.uncounted.list(`${state}/`)).length > 1,
        60_000,
      );
      await send(shop, ['a', 'b', 'c'], 'red');
      await until('the baseline has passed over them', async () => (await committed(shop)) === 4, 60_000);
      look.open();
      await starting;
      await shop.untilHandover('red', 'active', 60_000);
      await handledOnce(shop, { plain: 'base', a: 'red', b: 'red', c: 'red' });
    },
    TEST_MS,
  );

  it(
    'while a color has gone to its boundary, and the new one ends there: it reads what is before',
    async () => {
      const client = clientOf(shop, 'red');
      await send(shop, ['old']);
      await shop.start('base');
      await until('it is handled', () => shop.handled.length === 1, 60_000);
      await shop.start('red', { color: 'red' });
      await shop.untilHandover('red', 'active', 60_000);
      client().pause([{ topic: shop.topic, partitions: [0] }]);
      // So that the baseline's client stands behind the end of the new one, and finds out.
      await send(shop, ['older']);
      await until('it is handled too', () => shop.handled.length === 2, 60_000);
      await makeAgain(shop);
      await send(shop, ['a'], 'red');
      await until('the baseline has passed over it', async () => (await committed(shop)) === 1, 60_000);
      console.log(
        JSON.stringify((await shop.uncounted.list('mq/')).map(({ key, value }) => [key, value])),
        await committed(shop),
      );
      client().resume([{ topic: shop.topic, partitions: [0] }]);
      await handledOnce(shop, { old: 'base', older: 'base', a: 'red' });
    },
    TEST_MS,
  );

  it(
    'while a color has gone to its boundary, and the new one is longer: it reads all of it, once',
    async () => {
      const client = clientOf(shop, 'red');
      await send(shop, ['old', 'older']);
      await shop.start('base');
      await until('they are handled', () => shop.handled.length === 2, 60_000);
      await shop.start('red', { color: 'red' });
      await shop.untilHandover('red', 'active', 60_000);
      client().pause([{ topic: shop.topic, partitions: [0] }]);
      await makeAgain(shop);
      await send(shop, ['a'], 'red');
      await until('the baseline has passed over it', async () => (await committed(shop)) === 1, 60_000);
      await send(shop, ['b', 'c'], 'red');
      await until('and over the others', async () => (await committed(shop)) === 3, 60_000);
      console.log(
        JSON.stringify((await shop.uncounted.list('mq/')).map(({ key, value }) => [key, value])),
        await committed(shop),
      );
      client().resume([{ topic: shop.topic, partitions: [0] }]);
      await handledOnce(shop, { old: 'base', older: 'base', a: 'red', b: 'red', c: 'red' });
    },
    TEST_MS,
  );

  it(
    'while a color is at work: it begins again where the baseline stands in the new one',
    async () => {
      await shop.start('base');
      await shop.start('red', { color: 'red' });
      await shop.untilHandover('red', 'active', 60_000);
      await send(shop, ['a', 'b'], 'red');
      await handledOnce(shop, { a: 'red', b: 'red' });
      await makeAgain(shop);
      await send(shop, ['c'], 'red');
      await handledOnce(shop, { a: 'red', b: 'red', c: 'red' });
      await send(shop, ['d'], 'red');
      await send(shop, ['e']);
      await handledOnce(shop, { a: 'red', b: 'red', c: 'red', d: 'red', e: 'base' });
    },
    TEST_MS,
  );

  it(
    'while a color leaves: what came in the new one is the baseline’s',
    async () => {
      const red = slow(shop, 'red');
      await shop.start('base');
      await shop.start('red', { color: 'red', run: red.run });
      await shop.untilHandover('red', 'active', 60_000);
      await send(shop, ['a', 'b'], 'red');
      await until('red has the first', () => red.begun() > 0, 60_000);
      const leaving = shop.coloring().environments.withdraw('stock', 'red', { onLeave: 'drain' });
      await until('it is leaving', async () => (await shop.handover('red')) === 'leaving', 60_000);
      await makeAgain(shop);
      await send(shop, ['c'], 'red');
      red.go();
      await leaving;
      await untilThere('the new one', () => shop.handled.filter(({ id }) => id === 'c').length, 1);
      expect(shop.handled.filter(({ id }) => id === 'c')).toHaveLength(1);
    },
    TEST_MS,
  );
});
