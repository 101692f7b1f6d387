import { type Directory, type StateStore, subscriptionKey, withColor } from '@colorway/core';
import { coloredChannel, withdrawQueue } from '@colorway/mq/amqp';
import { Environments, type LeaveProgress } from '@colorway/registry';
import { type MemoryDirectory, memoryDirectory } from '@colorway/registry/memory';
import type { ConsumeMessage } from 'amqplib';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp, cleanUpAll, connect, instance, pause, unique, until } from './rabbit.js';

jest.setTimeout(60_000);
beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await cleanUpAll();
  jest.restoreAllMocks();
}, 30_000);

const GRACE_MS = 300;

/* A leave that nobody can bring to its end: it says so, what to do, and ends by a discard. */
describeWithServers(['rabbitmq'], 'amqp, a leave that is stuck', (servers) => {
  function world(mode: 'routing' | 'filter' = 'routing') {
    const directory: MemoryDirectory = memoryDirectory();
    cleanUp(() => directory.close());
    const state = directory.state as StateStore;
    const environments = new Environments(state);
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const open = async (color?: string) => {
      const options = mode === 'filter' ? { mode, state, graceMs: GRACE_MS } : {};
      const it = await instance(servers.rabbitmq.url, color, {
        ...options,
        directory: directory as Directory,
      });
      await it.channel.assertExchange(exchange, 'topic');
      await it.channel.assertQueue(queue);
      await it.channel.bindQueue(queue, exchange, '#');
      return it;
    };
    type Instance = Awaited<ReturnType<typeof open>>;
    const consume = ({ channel }: Instance, handle: (message: ConsumeMessage) => void) =>
      channel.consume(queue, (message) => message && handle(message));
    const send = async ({ channel }: Instance, text: string, color?: string) => {
      withColor(color, () => channel.publish(exchange, 'k', Buffer.from(text)));
      await channel.waitForConfirms();
    };
    /** A color whose consumer died with messages in hand. */
    const leaveBehind = async (base: Instance, ...messages: [text: string, color?: string][]) => {
      const dead = await open('a');
      let got = 0;
      await consume(dead, () => got++);
      if (mode === 'filter') await pause(2 * GRACE_MS);
      for (const [text, color] of messages) await send(base, text, color);
      await until(() => got >= messages.filter(([, color]) => color === 'a').length);
      await dead.connection.close();
    };
    const withdraw = (onLeave: 'drain' | 'discard' = 'drain') => {
      const seen: LeaveProgress[] = [];
      const done = environments.withdraw('order', 'a', { onLeave, onProgress: (now) => void seen.push(now) });
      return { seen, done, last: () => seen.at(-1) };
    };
    return { state, environments, queue, open, consume, send, leaveBehind, withdraw };
  }

  test('a handler that gives everything back is tried ever more seldom, is named, and a discard ends it', async () => {
    const { open, consume, leaveBehind, withdraw } = world();
    const base = await open();
    let calls = 0;
    await consume(base, (message) => {
      calls++;
      base.channel.nack(message);
    });
    await leaveBehind(base, ['0', 'a'], ['1', 'a']);
    const { done, last } = withdraw();
    await until(() => last()?.waitingFor?.startsWith('the handler of') === true);
    expect(last()).toMatchObject({
      waitingFor: expect.stringMatching(/given back \d+ times, and none was handled/),
      remedy: expect.stringContaining('--on-leave discard'),
    });
    const before = calls;
    await pause(3_000);
    expect(calls - before).toBeLessThan(40);
    const discard = withdraw('discard');
    expect((await discard.done).discarded).toBeGreaterThan(0);
    await done;
  });

  test('nobody consumes: whoever has declared the queue can discard', async () => {
    const { open, consume, leaveBehind, withdraw } = world();
    const base = await open();
    const { consumerTag } = await consume(base, (message) => base.channel.ack(message));
    await leaveBehind(base, ['0', 'a'], ['1', 'a'], ['2', 'a']);
    await base.channel.cancel(consumerTag);
    const { done, last } = withdraw();
    await until(() => last()?.waitingFor?.startsWith('a consumer of') === true);
    expect(last()?.remedy).toContain('--on-leave discard');
    expect((await withdraw('discard').done).discarded).toBe(3);
    await done;
  });

  test('a color whose consumer hangs: it is said after a while, and a discard ends it at once', async () => {
    const { open, consume, send, withdraw } = world();
    const base = await open();
    await consume(base, (message) => base.channel.ack(message));
    const hangs = await open('a');
    let got = 0;
    await consume(hangs, () => got++);
    await send(base, '0', 'a');
    await until(() => got === 1);
    const { done, last } = withdraw();
    await until(() => last()?.remedy?.includes('hang') === true, 20_000);
    expect(last()?.waitingFor).toMatch(/which have neither settled a message nor ended for \d+ s/);
    const before = performance.now();
    await withdraw('discard').done;
    expect(performance.now() - before).toBeLessThan(5_000);
    await done;
  });

  test('filter: copies of what is the baseline’s do not count as discarded', async () => {
    const { open, consume, leaveBehind, withdraw } = world('filter');
    const base = await open();
    await consume(base, (message) => base.channel.ack(message));
    await leaveBehind(base, ['0', 'a'], ['1'], ['2', 'a'], ['3'], ['4', 'b']);
    expect((await withdraw('discard').done).discarded).toBe(2);
  });

  test('a queue of the same name at another broker is another queue: its leaving is not ended here', async () => {
    const { state, queue, open, consume } = world();
    const base = await open();
    await consume(base, (message) => base.channel.ack(message));
    const name = { service: 'order', color: 'b' as never, broker: 'amqp', group: queue };
    const there = { broker: 'amqp', group: queue, state: 'leaving', onLeave: 'drain', at: Date.now() };
    const key = subscriptionKey(name);
    await state.create(key, JSON.stringify({ ...there, cluster: 'rabbit@elsewhere/' }));
    await pause(1_500);
    expect((await state.get(key))?.value).toContain('"leaving"');
    // This broker's own says where it is.
    const colored = await open('a');
    await consume(colored, (message) => colored.channel.ack(message));
    const own = await state.get(subscriptionKey({ ...name, color: 'a' as never }));
    expect(JSON.parse(own?.value ?? '{}')).toMatchObject({ cluster: expect.stringMatching(/^\S+\/$/) });
  });

  test('an error of onProgress changes nothing', async () => {
    const { queue, open, consume } = world();
    const base = await open();
    await consume(base, (message) => base.channel.ack(message));
    const colored = await open('a');
    await consume(colored, (message) => colored.channel.ack(message));
    const onProgress = () => {
      throw new Error('of the application');
    };
    expect(await withdrawQueue(base.channel, queue, { color: 'a', onProgress })).toEqual({ discarded: 0 });
    const raw = await (await connect(servers.rabbitmq.url)).createChannel();
    expect(coloredChannel(base.coloring, raw)).not.toBe(raw);
  });
});
