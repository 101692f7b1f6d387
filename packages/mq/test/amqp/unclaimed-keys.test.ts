import { activeColor } from '@colorway/core';
import { runningTasks } from '@colorway/core/background';
import { type ColoredChannelOptions, withdrawQueue } from '@colorway/mq/amqp';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import {
  type AmqpChannel,
  type Channel,
  cleanUp,
  connect,
  instance,
  pause,
  unique,
  until,
  warningsOfEach,
} from './rabbit.js';

jest.setTimeout(120_000);
const warned = warningsOfEach();
afterEach(() => expect(runningTasks()).toEqual([]));

const unseen = () =>
  warned()
    .mock.calls.filter(([, options]) => options?.code === 'COLORWAY_MQ_BAGGAGE_UNSEEN')
    .map(([text]) => text);
const baggage = (color: string) => ({ baggage: `tenant=7,x-infr-flowtype=CE_${color}` });

describeWithServers(['rabbitmq'], 'amqp, keys that only colors bind', (servers) => {
  const url = () => servers.rabbitmq.url;

  function world(type = 'topic', options: ColoredChannelOptions = {}, queueOptions = {}) {
    const directory = memoryDirectory();
    cleanUp(() => directory.close());
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const handled: string[] = [];
    const returned: string[] = [];
    const bind = (channel: Channel, key: string) =>
      type === 'headers'
        ? channel.bindQueue(queue, exchange, '', { 'x-match': 'all', kind: key })
        : channel.bindQueue(queue, exchange, key);
    const start = async (
      color: string | undefined,
      keys: readonly string[],
      isReady = (_: string) => true,
    ) => {
      const it = await instance(url(), color, { directory, ...options });
      const { channel } = it;
      await channel.assertExchange(exchange, type);
      await channel.assertQueue(queue, queueOptions);
      for (const key of keys) await bind(channel, key);
      await channel.consume(queue, (message) => {
        if (message === null) return;
        const text = `${message.content}`;
        if (!isReady(text)) return;
        handled.push(`${color ?? 'base'} ${text} ${activeColor()}`);
        channel.ack(message);
      });
      return it;
    };
    /** Knows nothing of us, as pika and Java do not. */
    const sender = async () => {
      const raw = await (await connect(url())).createConfirmChannel();
      raw.on('error', () => {});
      raw.on('return', ({ content }) => returned.push(`${content}`));
      await raw.assertExchange(exchange, type);
      const send = async (key: string, text: string, headers: object = {}) => {
        const all = type === 'headers' ? { ...headers, kind: key } : headers;
        raw.publish(exchange, key, Buffer.from(text), { headers: all, mandatory: true, persistent: true });
        await raw.waitForConfirms();
      };
      return { raw, send };
    };
    /** That many were handled, and no more come. */
    const all = async (count: number) => {
      await until(() => handled.length >= count);
      await pause(300);
      return handled.splice(0).sort();
    };
    return { directory, queue, exchange, handled, returned, bind, start, sender, all };
  }

  for (const type of ['direct', 'topic', 'fanout', 'headers']) {
    test(`${type}: what names its color in the baggage alone is that color’s, once, on keys of its own and on shared ones; the rest is as before`, async () => {
      const { returned, start, sender, all } = world(type);
      const isFanout = type === 'fanout';
      await start(undefined, isFanout ? [] : ['shared']);
      await start('a', ['shared', 'new']);
      await start('b', ['new']);
      const { send } = await sender();
      for (const color of ['a', 'b', 'z']) await send('new', `${color}-new`, baggage(color));
      await send('new', 'stamped', { ...baggage('a'), DMQ_ENV_TAG: 'a' });
      await send('new', 'other-stamp', { DMQ_ENV_TAG: 'z' });
      await send('new', 'tenant', { baggage: 'tenant=7' });
      await send('new', 'plain');
      const ownKeys = ['a a-new a', 'a stamped a', 'b b-new b'];
      expect(await all(3)).toEqual(ownKeys);
      // What has baggage has come to a queue, and the others to none.
      expect(returned.splice(0)).toEqual(['other-stamp', 'plain']);
      if (isFanout) return;
      for (const color of ['a', 'b', 'z']) await send('shared', `${color}-shared`, baggage(color));
      await send('shared', 'tenant', { baggage: 'tenant=7' });
      await send('shared', 'plain');
      await send('nobodys', 'a-nobodys', baggage('a'));
      expect(await all(5)).toEqual([
        'a a-shared a',
        'b b-shared b',
        'base plain undefined',
        'base tenant undefined',
        'base z-shared z',
      ]);
      expect(returned).toEqual(['a-nobodys']);
      expect(unseen()).toEqual([]);
    });
  }

  test('a baseline binds the key and takes it away again, under traffic: each message is handled once', async () => {
    const { bind, returned, start, sender, handled, exchange, queue } = world();
    const { channel } = await start(undefined, ['order.*']);
    await start('a', ['#']);
    const { send } = await sender();
    let sent = 0;
    let isOver = false;
    const traffic = (async () => {
      while (!isOver) {
        await send('new.key', `${sent++}`, baggage('a'));
        if (sent % 7 === 0) await pause(1);
      }
    })();
    for (let round = 0; round < 10; round++) {
      await bind(channel, 'new.*');
      await pause(20);
      await channel.unbindQueue(queue, exchange, 'new.*');
      await pause(20);
    }
    isOver = true;
    await traffic;
    await until(() => handled.length >= sent);
    await pause(300);
    expect(handled.sort()).toEqual(Array.from({ length: sent }, (_, n) => `a ${n} a`).sort());
    expect(returned).toEqual([]);
    // Uncolored ones are the baseline's only while it binds the key.
    await send('new.key', 'plain');
    expect(returned).toEqual(['plain']);
  });

  test('a color that starts before its baseline gets them too, when that one is there', async () => {
    const { start, sender, all } = world();
    await start('a', ['new']);
    const { send } = await sender();
    await start(undefined, ['order.*']);
    await send('new', '1', baggage('a'));
    await send('order.new', '2', baggage('a'));
    await send('order.new', '3');
    expect(await all(3)).toEqual(['a 1 a', 'a 2 a', 'base 3 undefined']);
  });

  test('a color leaves with such messages waiting: its own are drained in its context, copies of others are nobody’s', async () => {
    const { queue, start, sender, all, returned } = world();
    await start(undefined, ['order.*']);
    const a = await start('a', ['new']);
    const b = await start('b', ['new']);
    // As kill -9: nothing is acknowledged, and nobody of the color is left.
    await a.channel.close();
    await a.connection.close();
    const { raw, send } = await sender();
    for (const color of ['a', 'b']) await send('new', color, baggage(color));
    expect(await raw.checkQueue(`GID_a_${queue}`)).toMatchObject({ messageCount: 2 });
    await a.coloring.environments.delete('a');
    expect(await all(2)).toEqual(['b b b', 'base a a']);
    await until(async () => !(await has((channel) => channel.checkQueue(`GID_a_${queue}`))));
    await withdrawQueue(b.channel, queue);
    await send('new', 'gone', baggage('a'));
    expect(returned).toEqual(['gone']);
  });

  test('a color leaves with discard: its own and copies are given up, and nobody handles them', async () => {
    const { queue, start, sender, all } = world();
    await start(undefined, ['order.*']);
    const a = await start('a', ['new'], () => false);
    await start('b', ['new']);
    const { raw, send } = await sender();
    await a.connection.close();
    for (const color of ['a', 'b', 'a']) await send('new', color, baggage(color));
    expect(await raw.checkQueue(`GID_a_${queue}`)).toMatchObject({ messageCount: 3 });
    const { environments } = a.coloring;
    expect(await environments.withdraw('order', 'a', { onLeave: 'discard' })).toMatchObject({ discarded: 3 });
    expect(await all(1)).toEqual(['b b b']);
  });

  test('a consumer dies with such messages in hand: they come again, to its color alone', async () => {
    const { start, sender, all } = world();
    await start(undefined, ['order.*']);
    const dying = await start('a', ['new'], () => false);
    await start('b', ['new']);
    const { send } = await sender();
    for (const text of ['1', '2']) await send('new', text, baggage('a'));
    await until(() => dying.coloring.mq.status().consumers[0]?.handled === 2);
    await dying.connection.close();
    await start('a', ['new']);
    expect(await all(2)).toEqual(['a 1 a', 'a 2 a']);
  });

  test('a copy that dies of age in another color’s queue, and comes to the baseline’s, is handled by nobody', async () => {
    const dead = unique('dead');
    const { queue, start, sender, all } = world('topic', {}, { messageTtl: 200, deadLetterExchange: dead });
    const { raw, send } = await sender();
    await raw.assertExchange(dead, 'fanout');
    const counted = await raw.assertQueue(unique('dead'), { exclusive: true });
    await raw.bindQueue(counted.queue, dead, '');
    await start(undefined, ['order.*']);
    await raw.bindQueue(queue, dead, '');
    await start('a', ['new']);
    const b = await start('b', ['new']);
    await b.channel.close();
    await send('new', 'a', baggage('a'));
    await send('new', 'tenant', { baggage: 'tenant=7' });
    // It is passed on to where it dies again, until its color has gone.
    await send('new', 'b', baggage('b'));
    await until(async () => (await raw.checkQueue(counted.queue)).messageCount >= 3);
    await b.coloring.environments.delete('b');
    expect(await all(2)).toEqual(['a a a', 'base b b']);
    await until(async () => (await raw.checkQueue(queue)).messageCount === 0);
  });

  test('with a routing of an older version nothing changes, and it is said once; with a new one it works', async () => {
    const { queue, exchange, start, sender, all, returned } = world('topic', { checkTopologyMs: 300 });
    const { raw, send } = await sender();
    // What an older baseline has built and bound; nobody says so, and its code has not the key any more.
    const base = await start(undefined, ['order.*']);
    await raw.deleteExchange(`${queue}.coloring.baggage`);
    await raw.bindExchange(`${queue}.coloring`, exchange, 'old');
    await start('a', ['old', 'new', 'order.*']);
    await start('a', ['new']);
    await send('new', 'lost', baggage('a'));
    await send('new', '0', { DMQ_ENV_TAG: 'a' });
    // What an older color has bound goes on.
    await raw.bindExchange(`${queue}.coloring.own`, exchange, 'ancient');
    await send('ancient', '1', { DMQ_ENV_TAG: 'a' });
    await send('old', '2', baggage('a'));
    await send('order.new', '3', baggage('a'));
    expect(await all(4)).toEqual(['a 0 a', 'a 1 a', 'a 2 a', 'a 3 a']);
    expect(returned).toEqual(['lost']);
    expect(unseen()).toEqual([
      expect.stringMatching(new RegExp(`^Messages to queue "${queue}" .* version of this library`)),
    ]);
    await raw.deleteExchange(`${queue}.coloring`);
    await until(async () => {
      await send('new', 'again', baggage('a'));
      return (await all(0)).includes('a again a');
      // A color that finds no routing looks again after 5 s, and the baseline may take as long to build it.
    }, 60_000);
    await until(async () => {
      await send('order.new', '4');
      return (await all(0)).includes('base 4 undefined');
    }, 60_000);
    expect(base.coloring.mq.status().consumers).toHaveLength(1);
  });

  test('exchanges in a row: twice where baseline and color bind at different ones, once at the same', async () => {
    const { queue, exchange, start, sender, all } = world();
    const next = unique('next');
    const base = await start(undefined, ['order.*']);
    const { channel } = await start('a', []);
    await channel.assertExchange(next, 'topic');
    await channel.bindExchange(next, exchange, '#');
    await channel.bindQueue(queue, next, '#');
    const { send } = await sender();
    await send('order.new', '1', { DMQ_ENV_TAG: 'a' });
    await send('order.new', '2', baggage('a'));
    await send('new', '3', baggage('a'));
    // The known limit.
    expect(await all(4)).toEqual(['a 1 a', 'a 2 a', 'a 2 a', 'a 3 a']);
    await base.channel.bindQueue(queue, next, 'order.*');
    await send('order.new', '4', baggage('a'));
    expect(await all(1)).toEqual(['a 4 a']);
  });

  test('what was taken away at the broker comes back, the keys of the baseline first', async () => {
    const { queue, exchange, start, sender, handled, all } = world('topic', { checkTopologyMs: 300 });
    await start(undefined, ['order.*']);
    await start('a', ['order.*', 'new']);
    const { raw, send } = await sender();
    const keys = `${queue}.coloring.keys.topic.${exchange}`;
    for (const name of [keys, `${queue}.coloring.unclaimed`, `${queue}.coloring.own`]) {
      await raw.deleteExchange(name);
      await until(async () => {
        await send('new', 'a', baggage('a'));
        return (await all(0)).includes('a a a');
      }, 30_000);
      await send('order.new', 'b', baggage('a'));
      await until(() => handled.includes('a b a'));
      expect((await all(1)).filter((text) => text !== 'a a a')).toEqual(['a b a']);
    }
  });

  for (const why of ['type', 'name']) {
    test(`the ${why} of an exchange does not allow it: nothing by that way, nothing twice, and that is said`, async () => {
      const openChannel = why === 'type' ? mayNotDeclare : undefined;
      const { queue, start, sender, returned, all } = world('topic', openChannel && { openChannel });
      const exchange = unique(why === 'type' ? 'theirs' : 'long'.repeat(50));
      const { raw, send } = await sender();
      await raw.assertExchange(exchange, 'direct');
      const base = await start(undefined, []);
      const { channel } = await start('a', ['also']);
      await base.channel.bindQueue(queue, exchange, 'shared');
      for (const key of ['shared', 'new']) await channel.bindQueue(queue, exchange, key);
      for (const key of ['shared', 'new'])
        raw.publish(exchange, key, Buffer.from(key), { headers: baggage('a'), mandatory: true });
      await raw.waitForConfirms();
      // Of a type that is not known to the baseline a color may know more.
      await send('also', 'also', baggage('a'));
      expect(await all(1)).toEqual(why === 'type' ? ['a shared a'] : ['a also a', 'a shared a']);
      expect(returned).toEqual(why === 'type' ? ['new', 'also'] : ['new']);
      expect(unseen()).toContainEqual(expect.stringContaining(`keys of exchange "${exchange.slice(0, 60)}`));
    });
  }

  /** As for a user of RabbitMQ who may not configure an exchange `theirs`. */
  async function mayNotDeclare(): Promise<AmqpChannel> {
    const channel: AmqpChannel = await (await connect(url())).createChannel();
    return new Proxy(channel, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]) =>
          name === 'assertExchange' && String(args[0]).startsWith('theirs')
            ? Promise.reject(Object.assign(new Error('ACCESS_REFUSED'), { code: 403 }))
            : Reflect.apply(value, target, args);
      },
    });
  }

  async function has(ask: (channel: Channel) => Promise<object>): Promise<boolean> {
    const channel = await (await connect(url())).createChannel();
    channel.on('error', () => {});
    return await ask(channel).then(
      () => true,
      () => false,
    );
  }
});
