import { activeColor, withColor } from '@colorway/core';
import { inMessageContext, withdrawQueue } from '@colorway/mq/amqp';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import {
  type Channel,
  cleanUpAll,
  coloringOf,
  connect,
  type Handled,
  instance,
  LINES,
  pause,
  unique,
  until,
} from './rabbit.js';

jest.setTimeout(60_000);
afterEach(cleanUpAll);

const CONTENT = Buffer.from('x');

describeWithServers(['rabbitmq'], 'amqp, routing mode', (servers) => {
  const url = () => servers.rabbitmq.url;

  /** Consumes and acknowledges; `by` is the color of the instance. */
  async function collect(channel: Channel, queue: string, by: string, into: Handled[]): Promise<string> {
    const { consumerTag } = await channel.consume(queue, (message) => {
      if (message === null) return;
      into.push({ by, text: message.content.toString(), color: activeColor() });
      channel.ack(message);
    });
    return consumerTag;
  }

  async function shop(channel: Channel, exchange: string, queue: string, key = 'order.*'): Promise<void> {
    await channel.assertExchange(exchange, 'topic');
    await channel.assertQueue(queue);
    await channel.bindQueue(queue, exchange, key);
  }

  const sorted = (handled: Handled[]) =>
    handled.map(({ by, text, color }) => `${by} ${text} ${color}`).sort();

  test('who has declared a queue lets the broker decide only where there is a color: the rest costs what it would without us', async () => {
    const queue = unique('GID_order');
    const { channel } = await instance(url());
    await channel.assertQueue(queue);
    const by: string[] = [];
    await channel.consume(queue, (message) => {
      if (message !== null) by.push(`${message.content} ${message.fields.exchange}`);
    });
    channel.sendToQueue(queue, Buffer.from('none'));
    channel.sendToQueue(queue, Buffer.from('other'), { headers: { baggage: 'k=v' } });
    channel.sendToQueue(queue, Buffer.from('property'), { headers: { DMQ_ENV_TAG: 'a' } });
    channel.sendToQueue(queue, Buffer.from('baggage'), { headers: { baggage: 'x-infr-flowtype=CE_a' } });
    withColor('a', () => channel.sendToQueue(queue, Buffer.from('active')));
    await until(() => by.length === 5);
    const routed = `${queue}.coloring`;
    expect(by.sort()).toEqual(
      [`active ${routed}`, `baggage ${routed}`, 'none ', 'other ', `property ${routed}`].sort(),
    );
  });

  for (const [line, amqp] of Object.entries(LINES)) {
    test(`each color to its own, all else to the baseline (${line})`, async () => {
      const [queue, exchange] = [unique('GID_order'), unique('shop')];
      const handled: Handled[] = [];
      const baseline = await instance(url(), undefined, { amqp });
      await shop(baseline.channel, exchange, queue);
      await collect(baseline.channel, queue, 'base', handled);
      for (const color of ['a', 'b']) {
        const { channel } = await instance(url(), color, { amqp });
        await shop(channel, exchange, queue);
        await collect(channel, queue, color, handled);
      }
      const { channel } = await instance(url(), undefined, { amqp });
      const send = (color: string | undefined) =>
        withColor(color, () => {
          channel.publish(exchange, 'order.new', Buffer.from(`x-${color}`));
          channel.sendToQueue(queue, Buffer.from(`q-${color}`));
        });
      for (const color of ['a', 'b', 'c', undefined]) send(color);
      await channel.waitForConfirms();
      await until(() => handled.length >= 8);
      await pause(50);
      expect(sorted(handled)).toEqual(
        [
          'a q-a a',
          'a x-a a',
          'b q-b b',
          'b x-b b',
          'base q-c c',
          'base q-undefined undefined',
          'base x-c c',
          'base x-undefined undefined',
        ].sort(),
      );
    });
  }

  test('the colored instance first, then the baseline; nothing that was sent in between is lost', async () => {
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const handled: Handled[] = [];
    const colored = await instance(url(), 'a');
    await shop(colored.channel, exchange, queue);
    await collect(colored.channel, queue, 'a', handled);
    const producer = await instance(url());
    producer.channel.sendToQueue(queue, Buffer.from('early'));
    withColor('a', () => producer.channel.publish(exchange, 'order.new', Buffer.from('early-a')));
    await producer.channel.waitForConfirms();
    const baseline = await instance(url());
    await shop(baseline.channel, exchange, queue);
    await collect(baseline.channel, queue, 'base', handled);
    withColor('a', () => producer.channel.publish(exchange, 'order.new', Buffer.from('late-a')));
    producer.channel.publish(exchange, 'order.new', Buffer.from('late'));
    await until(() => handled.length >= 4);
    await pause(50);
    expect(sorted(handled)).toEqual([
      'a early-a a',
      'a late-a a',
      'base early undefined',
      'base late undefined',
    ]);
  });

  test('a key that only a color binds brings the baseline nothing', async () => {
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const handled: Handled[] = [];
    const baseline = await instance(url());
    await shop(baseline.channel, exchange, queue, 'order.new');
    await collect(baseline.channel, queue, 'base', handled);
    const colored = await instance(url(), 'a');
    await shop(colored.channel, exchange, queue, 'order.new');
    await colored.channel.bindQueue(queue, exchange, 'order.cancelled');
    await collect(colored.channel, queue, 'a', handled);
    for (const color of [undefined, 'a', 'b']) {
      withColor(color, () => {
        baseline.channel.publish(exchange, 'order.cancelled', Buffer.from('cancelled'));
        baseline.channel.publish(exchange, 'order.new', Buffer.from('new'));
      });
    }
    await until(() => handled.length >= 4);
    await pause(50);
    expect(sorted(handled)).toEqual(['a cancelled a', 'a new a', 'base new b', 'base new undefined']);
  });

  test('a direct binding from before Colorway is moved over', async () => {
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const before = await (await connect(url())).createChannel();
    await before.assertExchange(exchange, 'topic');
    await before.assertQueue(queue);
    await before.bindQueue(queue, exchange, 'order.*');
    before.publish(exchange, 'order.new', Buffer.from('waits'));
    const handled: Handled[] = [];
    const colored = await instance(url(), 'a', { baselineWaitMs: 0 });
    await shop(colored.channel, exchange, queue);
    await expect(colored.channel.consume(queue, () => {})).rejects.toMatchObject({
      code: 'COLORWAY_INVALID_OPTION',
    });
    const baseline = await instance(url());
    await shop(baseline.channel, exchange, queue);
    await collect(baseline.channel, queue, 'base', handled);
    await collect(colored.channel, queue, 'a', handled);
    withColor('a', () => baseline.channel.publish(exchange, 'order.new', Buffer.from('new')));
    await until(() => handled.length >= 2);
    await pause(50);
    expect(sorted(handled)).toEqual(['a new a', 'base waits undefined']);
  });

  test('a property whose name begins with x-, alone and beside others', async () => {
    for (const messageProperties of ['x-env', ['DMQ_ENV_TAG', 'x-mse-tag']]) {
      const carriers = { messageProperties };
      const queue = unique('orders');
      const handled: Handled[] = [];
      const baseline = await instance(url(), undefined, { carriers });
      await baseline.channel.assertQueue(queue);
      await collect(baseline.channel, queue, 'base', handled);
      for (const color of ['a', 'b']) {
        const { channel } = await instance(url(), color, { carriers });
        await channel.assertQueue(queue);
        await collect(channel, queue, color, handled);
      }
      for (const color of ['a', 'b', 'c', undefined]) {
        withColor(color, () => baseline.channel.sendToQueue(queue, Buffer.from('m')));
      }
      const last = [messageProperties].flat().at(-1) ?? '';
      const raw = await (await connect(url())).createChannel();
      raw.publish(`${queue}.coloring`, queue, Buffer.from('raw'), { headers: { [last]: 'b' } });
      await until(() => handled.length >= 5);
      await pause(50);
      expect(sorted(handled)).toEqual(['a m a', 'b m b', 'b raw b', 'base m c', 'base m undefined']);
      coloringOf(); // the process's names again
    }
  });

  test('exact: options are neither changed nor remembered, confirms and returns are told', async () => {
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const { channel } = await instance(url());
    await shop(channel, exchange, queue);
    const options = Object.freeze({
      mandatory: true,
      headers: Object.freeze({ baggage: 'tenant=7', kept: 1 }),
    });
    const confirmed: unknown[] = [];
    const returned: string[] = [];
    channel.on('return', (message) => returned.push(message.fields.routingKey));
    await withColor('a', async () => {
      channel.publish(exchange, 'order.new', CONTENT, options, (error) =>
        confirmed.push(error, activeColor()),
      );
      channel.publish(exchange, 'nobody', CONTENT, options);
      channel.sendToQueue(queue, CONTENT, options);
      channel.sendToQueue(unique('nobody'), CONTENT, options);
    });
    channel.sendToQueue(queue, CONTENT, options);
    await channel.waitForConfirms();
    expect(confirmed).toEqual([null, 'a']);
    expect(returned).toHaveLength(2);
    const headers = [];
    for (let message = await channel.get(queue); message !== false; message = await channel.get(queue)) {
      headers.push([
        message.properties.headers?.DMQ_ENV_TAG,
        message.properties.headers?.baggage,
        message.properties.headers?.kept,
      ]);
      expect(inMessageContext(message, activeColor)).toBe(message.properties.headers?.DMQ_ENV_TAG);
      channel.ack(message);
    }
    const colored = ['a', 'x-infr-flowtype=CE_a,tenant=7', 1];
    expect(headers).toEqual([colored, colored, [undefined, 'tenant=7', 1]]);
  });

  test('an alternate exchange that the application has stays in use', async () => {
    const [queue, exchange, rest] = [unique('orders'), unique('shop'), unique('rest')];
    const { channel } = await instance(url());
    await channel.assertExchange(rest, 'fanout');
    const { queue: left } = await channel.assertQueue('', { exclusive: true });
    await channel.bindQueue(left, rest, '');
    await channel.assertExchange(exchange, 'topic', { alternateExchange: rest });
    await channel.assertQueue(queue);
    await channel.bindQueue(queue, exchange, 'order.*');
    withColor('a', () => channel.publish(exchange, 'order.new', CONTENT));
    withColor('a', () => channel.publish(exchange, 'other', CONTENT));
    await channel.waitForConfirms();
    expect(await channel.checkQueue(left)).toMatchObject({ messageCount: 1 });
    expect(await channel.checkQueue(queue)).toMatchObject({ queue, messageCount: 1 });
  });

  for (const type of ['classic', 'quorum']) {
    test(`dead letters and retries keep the color (${type})`, async () => {
      const [queue, exchange, dead] = [unique('GID_order'), unique('shop'), unique('dlx')];
      const handled: Handled[] = [];
      const declare = async (channel: Channel) => {
        await channel.assertExchange(exchange, 'topic');
        await channel.assertExchange(dead, 'topic');
        await channel.assertQueue(queue, { deadLetterExchange: dead, arguments: { 'x-queue-type': type } });
        await channel.bindQueue(queue, exchange, 'order.*');
        // The retry queue of all colors: nobody consumes it, and what has waited goes back.
        await channel.assertQueue(`${queue}.retry`, { messageTtl: 50, deadLetterExchange: exchange });
        await channel.bindQueue(`${queue}.retry`, dead, 'order.*');
      };
      for (const color of [undefined, 'a']) {
        const { channel } = await instance(url(), color);
        await declare(channel);
        let rejected = false;
        await channel.consume(queue, (message) => {
          if (message === null) return;
          handled.push({ by: color ?? 'base', text: `${message.content}`, color: activeColor() });
          if (rejected) channel.ack(message);
          else channel.nack(message, false, false);
          rejected = true;
        });
      }
      const { channel } = await instance(url());
      for (const color of [undefined, 'a'])
        withColor(color, () => channel.publish(exchange, 'order.new', CONTENT));
      await until(() => handled.length >= 4);
      await pause(100);
      expect(sorted(handled)).toEqual(['a x a', 'a x a', 'base x undefined', 'base x undefined']);
    });

    test(`leaving: drained by the color itself, by the baseline, and discarded (${type})`, async () => {
      const queue = unique('orders');
      const handled: Handled[] = [];
      const queueOptions = { arguments: { 'x-queue-type': type } };
      const baseline = await instance(url());
      await baseline.channel.assertQueue(queue, queueOptions);
      await collect(baseline.channel, queue, 'base', handled);
      const join = async (consume: boolean) => {
        const colored = await instance(url(), 'a');
        await colored.channel.assertQueue(queue, queueOptions);
        if (consume) await collect(colored.channel, queue, 'a', handled);
        else
          await colored.channel.cancel(
            (await colored.channel.consume(queue, () => {}, { consumerTag: 'gone' })).consumerTag,
          );
        return colored;
      };
      const send = async (text: string) => {
        withColor('a', () => baseline.channel.sendToQueue(queue, Buffer.from(text)));
        await baseline.channel.waitForConfirms();
      };

      const itself = await join(true);
      await send('1');
      await withdrawQueue(itself.channel, queue, { pollMs: 20 });
      await send('2');
      await until(() => handled.length >= 2);

      const crashed = await join(false);
      await send('3');
      await send('4');
      await crashed.connection.close();
      const seen: number[] = [];
      await withdrawQueue(baseline.channel, queue, {
        color: 'a',
        pollMs: 20,
        onProgress: ({ remaining }) => void seen.push(remaining),
      });
      expect(seen[0]).toBe(2);
      await send('5');
      await until(() => handled.length >= 5);

      const dropped = await join(false);
      await send('6');
      await dropped.connection.close();
      await pause(200);
      let announced = 0;
      const result = await withdrawQueue(baseline.channel, queue, {
        color: 'a',
        onLeave: 'discard',
        onProgress: ({ remaining }) => {
          announced = remaining;
        },
      });
      expect([announced, result.discarded]).toEqual([1, 1]);
      await send('7');
      await until(() => handled.length >= 6);
      await pause(50);
      expect(sorted(handled)).toEqual(['a 1 a', 'base 2 a', 'base 3 a', 'base 4 a', 'base 5 a', 'base 7 a']);
      expect(await withdrawQueue(baseline.channel, queue, { color: 'a' })).toEqual({ discarded: 0 });
    });
  }

  test('names that cannot be: too long, or shared by two queues', async () => {
    const { channel } = await instance(url(), 'a');
    const refused = { code: 'COLORWAY_GROUP_NAME' };
    await expect(channel.assertQueue('q'.repeat(250))).rejects.toMatchObject(refused);
    const name = unique('orders');
    await channel.assertQueue(name);
    await expect(channel.assertQueue(`GID_${name}`)).rejects.toMatchObject(refused);
  });

  test('one message after the other, each in its own context and in order, whatever the connection was opened in', async () => {
    const queue = unique('orders');
    const { channel } = await withColor('stale', () => instance(url()));
    await channel.assertQueue(queue);
    const colors = ['a', undefined, 'b', undefined, 'a'];
    const headers = [
      { DMQ_ENV_TAG: 'no color!' },
      { DMQ_ENV_TAG: { deep: 1 }, baggage: 7 },
      { baggage: '%%%=,,;' },
      { DMQ_ENV_TAG: 'x'.repeat(60_000) },
    ];
    for (const color of colors) withColor(color, () => channel.sendToQueue(queue, CONTENT));
    for (const hostile of headers) channel.sendToQueue(queue, CONTENT, { headers: hostile });
    const seen: (string | undefined)[] = [];
    await channel.consume(
      queue,
      (message) => {
        if (message === null) return;
        void pause(1).then(() => {
          seen.push(activeColor());
          channel.ack(message);
        });
      },
      {},
    );
    await until(() => seen.length >= 9);
    expect(seen).toEqual([...colors, undefined, undefined, undefined, undefined]);
  });

  test('calls need not be awaited, and a held message keeps its place', async () => {
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const baseline = await instance(url());
    await shop(baseline.channel, exchange, queue);
    const { channel } = await instance(url());
    const drained = new Promise((resolve) => channel.once('drain', resolve));
    expect(channel.sendToQueue(queue, Buffer.from('1'))).toBe(false);
    channel.publish(exchange, 'order.new', Buffer.from('2'));
    await drained;
    channel.sendToQueue(queue, Buffer.from('3'));
    await channel.close();
    const texts: string[] = [];
    void baseline.channel.prefetch(1);
    void baseline.channel.consume(queue, (message) => {
      if (message === null) return;
      texts.push(message.content.toString());
      baseline.channel.ack(message);
    });
    await until(() => texts.length === 3);
    expect(texts).toEqual(['1', '2', '3']);
  });

  test('a queue that gets its routing later is found; CC would pass by it; what came straight is warned of', async () => {
    const queue = unique('orders');
    const producer = await instance(url(), undefined, { recheckMs: 20 });
    const old = await producer.connection.createChannel();
    await old.assertQueue(queue);
    const send = (text: string) =>
      withColor('a', () => producer.channel.sendToQueue(queue, Buffer.from(text)));
    send('before');
    await producer.channel.waitForConfirms();
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const handled: Handled[] = [];
    const baseline = await instance(url());
    await baseline.channel.assertQueue(queue);
    await collect(baseline.channel, queue, 'base', handled);
    const colored = await instance(url(), 'a');
    await colored.channel.assertQueue(queue);
    await collect(colored.channel, queue, 'a', handled);
    await pause(50);
    producer.channel.sendToQueue(queue, Buffer.from('asks again'));
    await pause(100);
    send('after');
    await until(() => handled.length >= 3);
    expect(sorted(handled)).toEqual(['a after a', 'base asks again undefined', 'base before a']);
    expect(warned).toHaveBeenCalledWith(
      expect.any(String),
      expect.objectContaining({ code: 'COLORWAY_ROUTING_BYPASSED' }),
    );
    warned.mockRestore();
    expect(() => producer.channel.sendToQueue(queue, CONTENT, { CC: 'other' })).toThrow(/CC and BCC/);
  });

  test('queues of one instance are left alone: server-named, exclusive, plain', async () => {
    const plain = unique('plain');
    const { channel, raw } = await instance(url(), 'a', { plain: (queue) => queue === plain });
    const { queue: reply } = await channel.assertQueue('', { exclusive: true });
    expect(reply).toMatch(/^amq\.gen/);
    const mine = unique('mine');
    await channel.assertQueue(mine, { exclusive: true });
    await channel.assertQueue(plain, { autoDelete: true });
    for (const queue of [reply, mine, plain]) {
      const seen: (string | undefined)[] = [];
      await channel.consume(queue, () => seen.push(activeColor()), { noAck: true });
      withColor('b', () => channel.sendToQueue(queue, CONTENT));
      await until(() => seen.length === 1);
      expect(seen).toEqual(['b']);
      expect(await raw.checkQueue(queue)).toMatchObject({ consumerCount: 1 });
    }
  });

  test('a colored sender declares no queue that waits for nobody, nor the baseline’s, and loses nothing', async () => {
    const queue = unique('orders');
    const { channel, raw } = await instance(url(), 'a');
    await channel.assertQueue(queue);
    channel.sendToQueue(queue, CONTENT);
    await channel.waitForConfirms();
    const baseline = await instance(url());
    await baseline.channel.assertQueue(queue, { maxPriority: 3 });
    expect(await raw.checkQueue(queue)).toMatchObject({ messageCount: 1 });
  });

  test('the channel stays a channel: events, instanceof, a refusal of ours leaves it open', async () => {
    const { channel, raw } = await instance(url(), 'a');
    expect(channel).toBeInstanceOf(raw.constructor);
    expect(channel.on('error', () => {})).toBe(channel);
    await expect(channel.consume(unique('nowhere'), () => {})).rejects.toMatchObject({
      code: 'COLORWAY_INVALID_OPTION',
    });
    await expect(channel.bindQueue(unique('orders'), unique('nowhere'), '#')).rejects.toMatchObject({
      code: 404,
    });
    await channel.assertExchange(unique('open'), 'fanout');
  });
});
