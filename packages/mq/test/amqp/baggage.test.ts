import { activeColor, withColor } from '@colorway/core';
import { coloredChannel } from '@colorway/mq/amqp';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import {
  type AmqpChannel,
  type Channel,
  cleanUp,
  cleanUpAll,
  coloringOf,
  connect,
  instance,
  pause,
  unique,
  until,
} from './rabbit.js';

jest.setTimeout(60_000);
beforeEach(() => void jest.spyOn(process, 'emitWarning').mockImplementation(() => {}));
afterEach(async () => {
  await cleanUpAll();
  jest.restoreAllMocks();
}, 60_000);

/** What senders write that know nothing of us, and what a client may make of it. */
const HEADERS: readonly (readonly [string, object])[] = [
  ['as text', { baggage: 'tenant=7,x-infr-flowtype=CE_a' }],
  ['as bytes', { baggage: Buffer.from('x-infr-flowtype=CE_a,tenant=7') }],
  ['repeated', { baggage: ['tenant=7', 'x-infr-flowtype=CE_a'] }],
  ['repeated, as bytes', { baggage: [Buffer.from('x-infr-flowtype=CE_a'), Buffer.from('tenant=7')] }],
  ['as a property in bytes', { DMQ_ENV_TAG: Buffer.from('a') }],
  ['as a property in a list', { DMQ_ENV_TAG: ['a'] }],
];

describeWithServers(['rabbitmq'], 'amqp, messages of senders that know nothing of us', (servers) => {
  const url = () => servers.rabbitmq.url;

  function world(queueOptions = {}) {
    const directory = memoryDirectory();
    cleanUp(() => directory.close());
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const handled: string[] = [];
    const stamps: unknown[] = [];
    const consume = async (channel: Channel, by: string, rejects = false) => {
      await channel.assertExchange(exchange, 'topic');
      await channel.assertQueue(queue, queueOptions);
      await channel.bindQueue(queue, exchange, 'order.*');
      await channel.consume(queue, (message) => {
        if (message === null) return;
        const { headers } = message.properties;
        const isDead = headers?.['x-death'] !== undefined;
        handled.push(`${by} ${message.content} ${activeColor()}${isDead ? ' again' : ''}`);
        stamps.push(headers?.DMQ_ENV_TAG);
        if (rejects && !isDead) channel.nack(message, false, false);
        else channel.ack(message);
      });
    };
    const start = async (color?: string, rejects = false) => {
      const it = await instance(url(), color, { directory });
      await consume(it.channel, color ?? 'base', rejects);
      return it;
    };
    const sender = async () => (await connect(url())).createConfirmChannel();
    return { directory, queue, exchange, handled, stamps, start, consume, sender };
  }

  for (const [name, headers] of HEADERS) {
    test(`a color ${name} is a color: its consumer gets it, stamped and once, by exchange and by queue name`, async () => {
      const { queue, exchange, handled, stamps, start, sender } = world();
      await start();
      await start('a');
      const raw = await sender();
      raw.publish(exchange, 'order.new', Buffer.from('x'), { headers });
      raw.sendToQueue(queue, Buffer.from('q'), { headers });
      raw.publish(exchange, 'order.new', Buffer.from('b'), {
        headers: { baggage: 'x-infr-flowtype=CE_b' },
      });
      await until(() => handled.length >= 3);
      await pause(200);
      expect(handled.sort()).toEqual(['a q a', 'a x a', 'base b b']);
      expect(stamps.filter((stamp) => String(stamp) === 'a')).toHaveLength(2);
    });
  }

  test('a color in the baggage alone, on a key that only the color binds, and then the baseline too: the color’s, once', async () => {
    const { queue, exchange, handled, start, sender } = world();
    const base = await start();
    const { channel } = await start('a');
    await channel.bindQueue(queue, exchange, 'new.*');
    const raw = await sender();
    const returned: string[] = [];
    raw.on('return', ({ content }) => returned.push(`${content}`));
    const send = async (text: string, headers: object = {}) => {
      raw.publish(exchange, 'new.key', Buffer.from(text), { headers, mandatory: true });
      await raw.waitForConfirms();
    };
    const baggage = 'x-infr-flowtype=CE_a';
    await send('nobody’s');
    await send('of the color alone', { baggage });
    await send('with the property', { baggage, DMQ_ENV_TAG: 'a' });
    await until(() => handled.length === 2);
    await base.channel.bindQueue(queue, exchange, 'new.*');
    await send('bound by the baseline too', { baggage });
    await until(() => handled.length === 3);
    await pause(200);
    expect(handled).toEqual([
      'a of the color alone a',
      'a with the property a',
      'a bound by the baseline too a',
    ]);
    expect(returned).toEqual(['nobody’s']);
  });

  test('dead letters with a color in the baggage alone are the color’s, first and again', async () => {
    const queueOptions = { deadLetterExchange: '' };
    const { queue, exchange, handled, start, sender } = world(queueOptions);
    const retry = unique('retry');
    const raw = await sender();
    await raw.assertQueue(retry, {
      messageTtl: 50,
      deadLetterExchange: exchange,
      deadLetterRoutingKey: 'order.retried',
    });
    Object.assign(queueOptions, { deadLetterRoutingKey: retry });
    await start(undefined, true);
    await start('a', true);
    const headers = { baggage: 'x-infr-flowtype=CE_a' };
    raw.publish(exchange, 'order.new', Buffer.from('x'), { headers });
    raw.sendToQueue(retry, Buffer.from('y'), { headers });
    await until(() => handled.length >= 3);
    await pause(300);
    expect(handled.sort()).toEqual(['a x a', 'a x a again', 'a y a again']);
    expect(await raw.checkQueue(queue)).toMatchObject({ messageCount: 0 });
  });

  test('a color that has joined and whose queue is not bound gets nothing twice, and nothing runs in a circle', async () => {
    const { queue, exchange, handled, start, sender } = world();
    const base = await start();
    await start('a');
    const raw = await sender();
    await raw.unbindQueue(`GID_a_${queue}`, `${queue}.coloring.colors`, '', {
      'x-match': 'all',
      DMQ_ENV_TAG: 'a',
    });
    raw.publish(exchange, 'order.new', Buffer.from('x'), { headers: { baggage: 'x-infr-flowtype=CE_a' } });
    await until(() => handled.length === 1);
    await pause(300);
    expect(handled).toEqual(['base x a']);
    // It was handed out to the baseline twice: as it came, and stamped.
    expect(base.coloring.mq.status().consumers[0]).toMatchObject({ handled: 1, skipped: 1 });
  });

  test('made-up colors cost no question to the broker, and do not hold up the baseline', async () => {
    const { directory, queue, exchange, handled, start, consume, sender } = world();
    await start('a');
    const connection = await connect(url());
    const asked: string[] = [];
    let opened = 0;
    const openChannel = async (): Promise<AmqpChannel> => {
      opened++;
      const beside: AmqpChannel = await connection.createChannel();
      return new Proxy(beside, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            if (/^(check|publish)/.test(String(name))) asked.push(`${String(name)} ${args[0]}`);
            return Reflect.apply(value, target, args);
          };
        },
      });
    };
    const coloring = coloringOf(undefined, {}, directory);
    await consume(coloredChannel(coloring, await connection.createConfirmChannel(), { openChannel }), 'base');
    await until(() => coloring.mq.status().handovers.length === 1);
    await pause(100);
    asked.splice(0);
    const openedBefore = opened;
    const raw = await sender();
    const began = performance.now();
    for (let n = 0; n < 500; n++) {
      const color = `made-up-${n}`;
      raw.sendToQueue(queue, Buffer.from(`${n}`), { headers: { DMQ_ENV_TAG: color } });
      raw.publish(exchange, 'order.new', Buffer.from(`${n}`), {
        headers: { baggage: `x-infr-flowtype=CE_${color}` },
      });
    }
    raw.sendToQueue(queue, Buffer.from('last'));
    await until(() => handled.length === 1_001);
    expect(performance.now() - began).toBeLessThan(5_000);
    expect([asked, opened - openedBefore]).toEqual([[], 0]);
    // One that is known costs none either: it is passed on at once.
    withColor('a', () => raw.sendToQueue(queue, Buffer.from('x'), { headers: { DMQ_ENV_TAG: 'a' } }));
    await until(() => handled.includes('a x a'));
    expect(asked).toEqual([`publish ${queue}.coloring`]);
  });
});
