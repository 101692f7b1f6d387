import { activeColor } from '@colorway/core';
import { coloredKafka, inMessageContext } from '@colorway/mq/kafka';
import type { MemoryRunConfig } from '@colorway/mq/memory';
import type { ColoredKafkaOptions } from '../../src/kafka/options.js';
import { MemoryShop } from './memory-shop.js';
import { until } from './until.js';

let shop: MemoryShop;
beforeEach(() => {
  shop = new MemoryShop();
});
afterEach(() => shop.close());

/** What handlers were given, and worked in. */
interface Seen {
  readonly id: string;
  readonly color: string | undefined;
  readonly tag: string | undefined;
}

async function start(
  options: ColoredKafkaOptions,
  run: (note: (seen: Seen) => void) => MemoryRunConfig,
  color = '',
): Promise<{ seen: Seen[]; stop: () => Promise<void> }> {
  const seen: Seen[] = [];
  const coloring = shop.coloring(color);
  if (color !== '') await coloring.environments.ensure(color, { owner: 'test' });
  const consumer = coloredKafka(coloring, shop.client(), options).consumer({ groupId: shop.group });
  await consumer.connect();
  await consumer.subscribe({ topic: shop.topic, fromBeginning: true });
  shop.onClose(() => consumer.disconnect());
  await consumer.run(run((one) => seen.push(one)));
  return { seen, stop: () => consumer.disconnect() };
}

type Received = { value: Buffer | null; headers?: Record<string, unknown> };
const seenIn = ({ value, headers }: Received): Seen => ({
  id: String(value),
  color: activeColor(),
  tag: headers?.DMQ_ENV_TAG === undefined ? undefined : String(headers.DMQ_ENV_TAG),
});

const RUNS = {
  eachMessage: (note: (seen: Seen) => void): MemoryRunConfig => ({
    eachMessage: async ({ message }) => note(seenIn(message)),
  }),
  eachBatch: (note: (seen: Seen) => void): MemoryRunConfig => ({
    eachBatch: async ({ batch }) => {
      for (const message of batch.messages) inMessageContext(message, () => note(seenIn(message)));
    },
  }),
};

const handled = (seen: readonly Seen[], ids: readonly string[]) =>
  until('they are handled', () => ids.every((id) => seen.some((one) => one.id === id)));

describe.each(Object.entries(RUNS))('%s', (_, run) => {
  test('accept none: no message has a color, in its headers or in its context', async () => {
    const { seen } = await start({ accept: 'none' }, run);
    const ids = [...(await shop.send(4, 'red')), ...(await shop.send(4))];
    await handled(seen, ids);
    expect(seen.map(({ id }) => id).sort()).toEqual([...ids].sort());
    expect(seen.filter(({ color, tag }) => color !== undefined || tag !== undefined)).toEqual([]);
    // The log is everybody's: another group reads there whose a message is.
    const log = await shop.broker.messages(shop.topic);
    expect(log.filter(({ headers }) => String(headers?.DMQ_ENV_TAG) === 'red')).toHaveLength(4);
  });

  test('a function decides by color, topic and message', async () => {
    const asked = new Set<string>();
    const { seen } = await start(
      {
        accept: ({ value }, { color, source, destination }) => {
          asked.add(`${color} ${source} ${destination} ${String(value).split('/')[0]}`);
          return color === 'red';
        },
      },
      run,
    );
    await handled(seen, [...(await shop.send(3, 'red')), ...(await shop.send(3, 'blue'))]);
    expect([...asked].sort()).toEqual(['blue header orders blue', 'red header orders red']);
    const told = new Set(seen.map(({ id, color, tag }) => `${id.split('/')[0]} ${color} ${tag}`));
    expect([...told].sort()).toEqual(['blue undefined undefined', 'red red red']);
  });

  test('the consumer of a color handles its own in its color, whatever it accepts', async () => {
    const base = await start({ accept: 'none' }, run);
    const red = await start({ accept: 'none' }, run, 'red');
    await shop.untilHandover('red', 'active');
    const probes = await shop.send(2, 'red');
    await until('it is active for all', () => red.seen.length + base.seen.length >= probes.length);
    const ids = await shop.send(4, 'red');
    await handled(red.seen, ids);
    expect(base.seen.filter(({ id }) => ids.includes(id))).toEqual([]);
    expect(new Set(red.seen.map(({ color, tag }) => `${color} ${tag}`))).toEqual(new Set(['red red']));
  });

  test('what a color left is drained in none, where the baseline accepts none', async () => {
    const base = await start({ accept: 'none' }, run);
    const red = await start({}, run, 'red');
    await shop.untilHandover('red', 'active');
    await until('red has its own', async () => {
      await shop.send(2, 'red');
      return red.seen.length > 0;
    });
    await red.stop();
    const left = await shop.send(4, 'red');
    await shop.coloring().environments.delete('red');
    await handled(base.seen, left);
    expect(base.seen.filter(({ color, tag }) => color !== undefined || tag !== undefined)).toEqual([]);
  });
});

test('a policy that is none is refused when the client is wrapped', () => {
  expect(() => coloredKafka(shop.coloring(), shop.client(), { accept: ['red'] as never })).toThrow(
    expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION' }),
  );
});
