import { activeColor, withColor } from '@colorway/core';
import { runningTasks } from '@colorway/core/background';
import { type ColoredChannelOptions, coloredChannel } from '@colorway/mq/amqp';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import {
  type Channel,
  cleanUp,
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
afterEach(() => expect(runningTasks()).toEqual([]));

const codes = () => warned().mock.calls.map(([, options]) => options?.code);

describeWithServers(['rabbitmq'], 'amqp, topology that others change', (servers) => {
  const url = () => servers.rabbitmq.url;

  function world(options: ColoredChannelOptions = {}) {
    const directory = memoryDirectory();
    cleanUp(() => directory.close());
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const handled: string[] = [];
    let nulls = 0;
    /** As an application does it at its start, and again when its consumer was ended, if it `returns`. */
    const setUp = async (
      channel: Channel,
      by: string,
      returns = true,
      queueOptions = {},
    ): Promise<string> => {
      await channel.assertExchange(exchange, 'topic');
      await channel.assertQueue(queue, queueOptions);
      await channel.bindQueue(queue, exchange, 'order.*');
      const { consumerTag } = await channel.consume(queue, (message) => {
        if (message === null) {
          nulls++;
          if (returns) void setUp(channel, by, returns, queueOptions);
          return;
        }
        handled.push(`${by} ${message.content} ${activeColor()}`);
        channel.ack(message);
      });
      return consumerTag;
    };
    const start = async (color?: string, returns = true, queueOptions = {}) => {
      const it = await instance(url(), color, { directory, ...options });
      const tag = await setUp(it.channel, color ?? 'base', returns, queueOptions);
      return { ...it, tag, again: () => setUp(it.channel, color ?? 'base', returns, queueOptions) };
    };
    const send = async (text: string, color?: string) => {
      const { channel } = await instance(url(), undefined, { directory });
      withColor(color, () => channel.publish(exchange, 'order.new', Buffer.from(text)));
      await channel.waitForConfirms();
    };
    const admin = async () => {
      const channel = await (await connect(url())).createChannel();
      channel.on('error', () => {});
      return channel;
    };
    return { directory, queue, exchange, handled, start, send, admin, nulls: () => nulls };
  }

  test('a color’s queue is deleted at the broker; the application declares and consumes again, and all of the color is its own', async () => {
    const { queue, handled, start, send, admin, nulls } = world();
    await start();
    await start('a');
    await send('1', 'a');
    await until(() => handled.length === 1);
    for (const round of ['2', '3']) {
      const before = nulls();
      await (await admin()).deleteQueue(`GID_a_${queue}`);
      await until(() => nulls() > before);
      await pause(500);
      await send(round, 'a');
      await send('u');
      await until(() => handled.length >= 3);
      expect(handled.splice(1).sort()).toEqual([`a ${round} a`, 'base u undefined']);
    }
  });

  test('the application cancels, deletes, declares and consumes again on the same channel', async () => {
    for (const queueOptions of [{}, { autoDelete: true }]) {
      const { queue, handled, start, send } = world();
      await start(undefined, true, queueOptions);
      const { channel, tag, again } = await start('a', true, queueOptions);
      await channel.cancel(tag);
      await channel.deleteQueue(queue);
      await again();
      await send('1', 'a');
      await send('2');
      await until(() => handled.length === 2);
      expect(handled.sort()).toEqual(['a 1 a', 'base 2 undefined']);
    }
  });

  test('an auto-delete queue went with its last consumer, and is consumed again without being declared', async () => {
    const { queue, handled, start, send } = world();
    await start(undefined, true, { autoDelete: true });
    const { channel, tag } = await start('a', true, { autoDelete: true });
    await channel.cancel(tag);
    await channel.consume(queue, (message) => {
      if (message === null) return;
      handled.push(`again ${message.content}`);
      channel.ack(message);
    });
    await send('1', 'a');
    await until(() => handled.length === 1);
    expect(handled).toEqual(['again 1']);
  });

  test('a color whose application does not come back keeps its messages, not the baseline, and that is said', async () => {
    const { queue, handled, start, send, admin, nulls } = world({ checkTopologyMs: 200 });
    await start();
    await start('a', false);
    const channel = await admin();
    await channel.deleteQueue(`GID_a_${queue}`);
    await until(() => nulls() === 1 && codes().includes('COLORWAY_MQ_TOPOLOGY_MENDED'));
    await send('1', 'a');
    expect(await channel.checkQueue(`GID_a_${queue}`)).toMatchObject({ messageCount: 1 });
    expect(handled).toEqual([]);
  });

  test('bindings and routing exchanges that were taken away come back, each with what the application had bound', async () => {
    const { queue, handled, start, send, admin } = world({ checkTopologyMs: 300 });
    const base = await start();
    await start('a');
    const channel = await admin();
    await channel.unbindQueue(`GID_a_${queue}`, `${queue}.coloring.colors`, '', {
      'x-match': 'all',
      DMQ_ENV_TAG: 'a',
    });
    await pause(1_500);
    await send('1', 'a');
    await until(() => handled.length === 1);
    expect(handled.splice(0)).toEqual(['a 1 a']);

    for (const suffix of [
      '.coloring',
      '.coloring.colors',
      '.baseline',
      '.coloring.own',
      '.coloring.own.colors',
    ])
      await channel.deleteExchange(queue + suffix);
    await until(() => codes().includes('COLORWAY_MQ_TOPOLOGY_MENDED'));
    // Each puts back its own when it looks.
    await until(async () => {
      await send('2', 'a');
      await send('3');
      await pause(1_000);
      return handled.includes('a 2 a') && handled.includes('base 3 undefined');
    }, 40_000);
    await send('4', 'a');
    await send('5');
    const last = () => handled.filter((one) => /[45]/.test(one));
    await until(() => last().length === 2);
    expect(last().sort()).toEqual(['a 4 a', 'base 5 undefined']);
    expect(base.coloring.mq.status().work).toEqual([
      expect.objectContaining({ broker: 'amqp', key: queue, failures: 0 }),
    ]);
  });

  test('a binding that another process of the application took away stays away', async () => {
    const { queue, exchange, directory, handled, start, send } = world({ checkTopologyMs: 200 });
    await start();
    await start('a');
    const newer = await instance(url(), undefined, { directory });
    await newer.channel.unbindQueue(queue, exchange, 'order.*');
    await pause(1_500);
    await send('1');
    await pause(200);
    expect(handled).toEqual([]);
  });

  test('what is there costs a few questions, and no channel', async () => {
    const { queue, exchange, directory } = world();
    const connection = await connect(url());
    const raw = await connection.createConfirmChannel();
    let [opened, asked] = [0, 0];
    const openChannel = async () => {
      opened++;
      const beside = await connection.createChannel();
      return new Proxy(beside, {
        get(target, name) {
          const value: unknown = Reflect.get(target, name, target);
          if (typeof value !== 'function') return value;
          return (...args: unknown[]) => {
            if (/^(assert|check|bind|unbind|delete|get)/.test(String(name))) asked++;
            return Reflect.apply(value, target, args);
          };
        },
      });
    };
    const channel = coloredChannel(coloringOf(undefined, {}, directory), raw, {
      checkTopologyMs: 1_000,
      openChannel,
    });
    await channel.assertExchange(exchange, 'topic');
    await channel.assertQueue(queue);
    await channel.bindQueue(queue, exchange, '#');
    await channel.consume(queue, () => {});
    const before = asked;
    await pause(3_500);
    // Three looks, each of about 20 questions.
    expect(asked - before).toBeLessThanOrEqual(75);
    expect(asked - before).toBeGreaterThan(0);
    // One for all questions; and two whose answer closes them, once: which broker it is, and that there is no routing yet.
    expect(opened).toBe(3);
    await channel.close();
    await until(() => runningTasks().length === 0);
    const after = asked;
    await pause(1_200);
    expect(asked).toBe(after);
  });

  test('a color that starts first declares nothing of the baseline’s, which comes with its own arguments and finds what waited', async () => {
    const { queue, handled, start, admin, directory } = world();
    await start('a');
    const channel = await admin();
    const sender = await instance(url(), undefined, { directory });
    for (let n = 0; n < 120; n++) sender.channel.sendToQueue(queue, Buffer.from(`${n}`));
    withColor('b', () => sender.channel.sendToQueue(queue, Buffer.from('of b')));
    withColor('a', () => sender.channel.sendToQueue(queue, Buffer.from('of a')));
    await sender.channel.waitForConfirms();
    await until(() => handled.length === 1);
    await start(undefined, true, { maxPriority: 5, deadLetterExchange: 'amq.topic' });
    await until(() => handled.length === 122);
    expect(handled.sort()).toEqual(
      ['a of a a', 'base of b b', ...Array.from({ length: 120 }, (_, n) => `base ${n} undefined`)].sort(),
    );
    // Nothing of ours is left of it.
    await until(async () => !(await exists(`${queue}.coloring.held`)));
    async function exists(name: string): Promise<boolean> {
      const probe = await admin();
      return probe.checkQueue(name).then(
        () => true,
        () => false,
      );
    }
    await channel.close();
  });

  test('a stream can have no colors: refused in a color, read as it is by the baseline', async () => {
    const queue = unique('log');
    const options = { durable: true, arguments: { 'x-queue-type': 'stream' } };
    const base = await instance(url());
    await base.channel.assertQueue(queue, options);
    const seen: string[] = [];
    await base.channel.prefetch(10);
    await base.channel.consume(
      queue,
      (message) => {
        if (message === null) return;
        seen.push(`${message.content}`);
        base.channel.ack(message);
      },
      { arguments: { 'x-stream-offset': 'first' } },
    );
    for (const mode of ['routing', 'filter'] as const) {
      const { channel } = await instance(url(), 'a', { mode });
      const refused = { code: 'COLORWAY_INVALID_OPTION', message: expect.stringContaining('stream') };
      await expect(channel.assertQueue(queue, options)).rejects.toMatchObject(refused);
      await expect(
        channel.consume(queue, () => {}, { arguments: { 'x-stream-offset': 'first' } }),
      ).rejects.toMatchObject(refused);
    }
    withColor('a', () => base.channel.sendToQueue(queue, Buffer.from('x')));
    await until(() => seen.length === 1);
    expect(codes()).toContain('COLORWAY_QUEUE_IS_STREAM');
    await base.channel.deleteQueue(queue);
  });

  test('a color whose environment has ended leaves no queue: declared before and never consumed, or declared after', async () => {
    const { directory, queue, admin } = world();
    const { channel, coloring } = await instance(url(), 'a', { directory, checkTopologyMs: 200 });
    const exists = async () => {
      const probe = await admin();
      return probe.checkQueue(`GID_a_${queue}`).then(
        () => true,
        () => false,
      );
    };
    await channel.assertQueue(queue, { durable: true });
    await pause(500);
    expect(await exists()).toBe(true);
    await coloring.environments.delete('a');
    await until(async () => !(await exists()));

    const late = await instance(url(), 'a', { directory, ensure: false });
    expect(await late.channel.assertQueue(queue)).toMatchObject({ queue, messageCount: 0 });
    expect(await exists()).toBe(false);
    await expect(late.channel.consume(queue, () => {})).rejects.toMatchObject({
      code: 'COLORWAY_ENVIRONMENT_UNKNOWN',
    });
    expect(await exists()).toBe(false);
    // The environment is made anew: what was declared is declared now.
    await (await instance(url())).channel.assertQueue(queue);
    await late.coloring.environments.ensure('a', { owner: 'test' });
    await late.channel.consume(queue, () => {});
    expect(await exists()).toBe(true);
  });
});
