import { withColor } from '@colorway/core';
import { runningTasks } from '@colorway/core/background';
import { coloredChannel } from '@colorway/mq/amqp';
import type { ConfirmChannel } from 'amqplib';
import fc from 'fast-check';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import {
  type AmqpChannel,
  cleanUpAll,
  coloringOf,
  connect,
  instance,
  pause,
  unique,
  until,
  warningsOfEach,
} from './rabbit.js';

jest.setTimeout(60_000);
const warned = warningsOfEach();

const CONTENT = Buffer.from('x');
const within = <T>(ms: number, promise: Promise<T>) => {
  const late = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error(`nothing within ${ms} ms`)), ms).unref();
  });
  return Promise.race([promise, late]);
};

describeWithServers(['rabbitmq'], 'amqp, what a channel sends', (servers) => {
  const url = () => servers.rabbitmq.url;

  /** A sender that counts the channels which it opens beside its own. */
  async function countingSender(plain?: (queue: string) => boolean) {
    const connection = await connect(url());
    const opened: AmqpChannel[] = [];
    const raw = await connection.createConfirmChannel();
    raw.on('error', () => {});
    const channel = coloredChannel(coloringOf(), raw, {
      ...(plain !== undefined && { plain }),
      recheckMs: 100,
      openChannel: async () => {
        const beside = await connection.createChannel();
        opened.push(beside);
        return beside;
      },
    });
    return { channel, connection, opened };
  }

  async function sendFor(ms: number, channel: ConfirmChannel, queues: readonly string[]): Promise<number> {
    let sent = 0;
    for (const end = Date.now() + ms; Date.now() < end; await pause(10)) {
      for (const queue of queues) channel.sendToQueue(queue, CONTENT);
      sent += queues.length;
    }
    await channel.waitForConfirms();
    return sent;
  }

  test('queues without a routing cost few channels: each no is believed twice as long as the last one', async () => {
    const queues = Array.from({ length: 10 }, () => unique('direct'));
    const { channel, opened } = await countingSender();
    await sendFor(3_000, channel, queues);
    // One for the first question about each queue, then 100 ms apart in all, and each queue ever more seldom. Not 300.
    expect(opened.length).toBeLessThanOrEqual(10 + 32);
    const before = opened.length;
    await sendFor(1_000, channel, queues);
    expect(opened.length - before).toBeLessThanOrEqual(11);
  });

  test('plain queues are never asked for', async () => {
    const { channel, opened } = await countingSender((queue) => queue.startsWith('plain'));
    await sendFor(500, channel, [unique('plain'), unique('plain')]);
    expect(opened).toHaveLength(0);
  });

  test('a queue whose name is too long for a routing gets its messages straight, in a color too, and that is said once', async () => {
    const queue = `${'q'.repeat(215)}${unique('')}`.padEnd(240, 'q');
    const { raw } = await instance(url());
    await raw.assertQueue(queue);
    const { channel } = await instance(url(), 'a');
    let confirmed: unknown = 'not yet';
    withColor('a', () => {
      channel.sendToQueue(queue, CONTENT);
      channel.sendToQueue(queue, CONTENT, {}, (error) => {
        confirmed = error;
      });
    });
    await within(5_000, channel.waitForConfirms());
    expect(await raw.checkQueue(queue)).toMatchObject({ messageCount: 2 });
    expect(confirmed).toBeNull();
    const codes = warned().mock.calls.map(([, options]) => options?.code);
    expect(codes.filter((code) => code === 'COLORWAY_QUEUE_NAME_LONG')).toHaveLength(1);

    // The baseline reads it as it is; a colored instance would read the baseline's.
    const baseline = await instance(url());
    await baseline.channel.assertQueue(queue);
    const seen: string[] = [];
    await baseline.channel.consume(queue, (message) => seen.push(`${message?.content}`), { noAck: true });
    await until(() => seen.length === 2);
    const refused = { code: 'COLORWAY_GROUP_NAME' };
    await expect(channel.assertQueue(queue)).rejects.toMatchObject(refused);
    await expect(channel.consume(queue, () => {})).rejects.toMatchObject(refused);
    await raw.deleteQueue(queue);
  });

  test('a first message with CC to a routed queue is refused, and what stands behind it is sent', async () => {
    const queue = unique('orders');
    const baseline = await instance(url());
    await baseline.channel.assertQueue(queue);
    for (const hasCallback of [true, false]) {
      const { channel } = await instance(url());
      const refused: unknown[] = [];
      channel.on('error', (error) => refused.push(error));
      if (hasCallback) channel.sendToQueue(queue, CONTENT, { CC: 'x' }, (error) => refused.push(error));
      else channel.sendToQueue(queue, CONTENT, { CC: 'x' });
      const confirmed = new Promise((resolve) => channel.sendToQueue(queue, CONTENT, {}, resolve));
      expect(await within(5_000, confirmed)).toBeNull();
      if (hasCallback) await channel.waitForConfirms();
      else await expect(channel.waitForConfirms()).rejects.toMatchObject({ code: 'COLORWAY_INVALID_OPTION' });
      expect(refused).toEqual([expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION' })]);
      await within(5_000, channel.close());
    }
    expect(await baseline.channel.checkQueue(queue)).toMatchObject({ messageCount: 2 });
    // Nobody listens for 'error': the process goes on, and it is told.
    const { channel, raw } = await instance(url());
    raw.removeAllListeners('error');
    channel.sendToQueue(queue, CONTENT, { CC: 'x' });
    await expect(channel.waitForConfirms()).rejects.toMatchObject({ code: 'COLORWAY_INVALID_OPTION' });
    expect(warned().mock.calls.map(([, options]) => options?.code)).toContain('COLORWAY_MQ_NOT_SENT');
  });

  test('close() with held messages sends them; what is published or called after it is refused, and nothing waits for ever', async () => {
    const queue = unique('orders');
    const baseline = await instance(url());
    await baseline.channel.assertQueue(queue);
    const { channel } = await instance(url());
    const confirmed: unknown[] = [];
    const asserted = channel.assertExchange(unique('shop'), 'fanout');
    channel.sendToQueue(queue, CONTENT, {}, (error) => confirmed.push(error));
    const closed = channel.close();
    expect(() => channel.sendToQueue(unique('other'), CONTENT)).toThrow('Channel closing');
    await within(5_000, Promise.all([asserted, closed]));
    // Told once; whether before the channel was closed is the broker's to say.
    expect(confirmed).toHaveLength(1);
    expect(() => channel.sendToQueue(queue, CONTENT)).toThrow(/Channel clos/);
    for (let n = 0; n < 3; n++) {
      await expect(within(1_000, channel.assertExchange('x', 'fanout'))).rejects.toThrow(/Channel clos/);
      await expect(within(1_000, channel.close())).rejects.toThrow(/Channel clos/);
    }
    expect(await baseline.channel.checkQueue(queue)).toMatchObject({ messageCount: 1 });
  });

  test('the routing exchanges are removed at the broker: a sender loses a channel, looks again, and sends on', async () => {
    const queue = unique('orders');
    const baseline = await instance(url());
    await baseline.channel.assertQueue(queue);
    const { connection, coloring } = await instance(url());
    const open = async () => {
      const raw = await connection.createConfirmChannel();
      raw.on('error', () => {});
      return coloredChannel(coloring, raw);
    };
    const first = await open();
    first.sendToQueue(queue, CONTENT);
    await first.waitForConfirms();
    await baseline.connection.close();
    const admin = await (await connect(url())).createChannel();
    for (const suffix of ['.coloring', '.coloring.colors', '.baseline'])
      await admin.deleteExchange(queue + suffix);
    first.sendToQueue(queue, CONTENT);
    await expect(within(5_000, first.waitForConfirms())).rejects.toThrow();
    const second = await open();
    second.sendToQueue(queue, CONTENT);
    await within(5_000, second.waitForConfirms());
    expect(await admin.checkQueue(queue)).toMatchObject({ messageCount: 2 });
  });

  test('whenever a channel or its connection ends: every callback is called once, close() resolves, nothing of ours runs on', async () => {
    const routed = unique('orders');
    await (await instance(url())).channel.assertQueue(routed);
    const call = fc.constantFrom('routed', 'direct', 'exchange', 'assert', 'missing', 'turn');
    const end = fc.constantFrom('close', 'close twice', 'lose', 'break');
    await fc.assert(
      fc.asyncProperty(fc.array(call, { maxLength: 12 }), end, fc.nat(12), async (calls, how, at) => {
        const { channel, connection, coloring } = await instance(url());
        let asked = 0;
        const settled: unknown[] = [];
        const ends: Promise<unknown>[] = [];
        const settle = (promise: Promise<unknown>) => {
          asked++;
          ends.push(
            promise.then(
              () => settled.push('ok'),
              (error) => settled.push(error),
            ),
          );
        };
        const publish = (exchange: string, key: string) => {
          try {
            channel.publish(exchange, key, CONTENT, {}, (error) => settled.push(error));
            asked++;
          } catch {
            // Refused at once, as amqplib does.
          }
        };
        const finish = () => {
          const { stream } = connection.connection as unknown as { stream: { destroy(error: Error): void } };
          if (how === 'lose') stream.destroy(new Error('lost'));
          else if (how === 'break') settle(channel.checkQueue(unique('missing')));
          else settle(channel.close());
          if (how === 'close twice') settle(channel.close());
        };
        for (const [n, what] of calls.entries()) {
          if (n === at) finish();
          if (what === 'routed') publish('', routed);
          if (what === 'direct') publish('', unique('direct'));
          if (what === 'exchange') publish('amq.topic', 'nobody');
          if (what === 'assert') settle(channel.assertExchange('amq.topic', 'topic'));
          if (what === 'missing') settle(channel.checkExchange(unique('missing')));
          if (what === 'turn') await pause(3);
        }
        if (at >= calls.length) finish();
        await within(
          5_000,
          until(() => settled.length >= asked),
        );
        await within(
          5_000,
          channel.close().catch(() => {}),
        );
        await pause(5);
        expect(settled).toHaveLength(asked);
        await coloring.close();
        await connection.close().catch(() => {});
      }),
      { numRuns: 60 },
    );
    await cleanUpAll();
    expect(runningTasks()).toEqual([]);
  });
});
