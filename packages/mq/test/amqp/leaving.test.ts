import { activeColor, type Directory, type MqConsumer, type StateStore, withColor } from '@colorway/core';
import { type ColoredChannelOptions, coloredChannel, type ModeName, withdrawQueue } from '@colorway/mq/amqp';
import { Environments } from '@colorway/registry';
import { type MemoryDirectory, memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { type Channel, cleanUp, cleanUpAll, connect, instance, pause, unique, until } from './rabbit.js';

jest.setTimeout(120_000);
afterEach(cleanUpAll, 30_000);

const GRACE_MS = 300;

/** The same directory for a process that hears of changes late, and reads what stands. */
function late(directory: Directory, ms: number): Directory {
  const state = directory.state as StateStore;
  const later = (tell: () => void) => void setTimeout(tell, ms).unref();
  return {
    instances: directory.instances,
    close: async () => {},
    state: {
      get: (key) => state.get(key),
      list: (prefix) => state.list(prefix),
      create: (key, value) => state.create(key, value),
      compareAndSet: (key, value, version) => state.compareAndSet(key, value, version),
      compareAndDelete: (key, version) => state.compareAndDelete(key, version),
      watch: (prefix, observer) =>
        state.watch(prefix, { ...observer, next: (change) => later(() => observer.next(change)) }),
    },
  };
}

describeWithServers(['rabbitmq'], 'amqp, the end of a membership', (servers) => {
  async function world(mode: ModeName, type = 'classic') {
    const directory: MemoryDirectory = memoryDirectory();
    cleanUp(() => directory.close());
    const environments = new Environments(directory.state as NonNullable<MemoryDirectory['state']>);
    const [queue, exchange] = [unique('orders'), unique('shop')];
    const handled: { by: string; text: string; color: string | undefined }[] = [];
    const options: ColoredChannelOptions =
      mode === 'filter' ? { mode, state: directory.state, graceMs: GRACE_MS } : {};
    const open = async (color?: string, hearsAfterMs = 0) => {
      const own = hearsAfterMs === 0 ? directory : late(directory, hearsAfterMs);
      const it = await instance(servers.rabbitmq.url, color, { ...options, directory: own });
      await it.channel.assertExchange(exchange, 'topic');
      await it.channel.assertQueue(queue, { arguments: { 'x-queue-type': type } });
      await it.channel.bindQueue(queue, exchange, '#');
      return it;
    };
    const consume = async (channel: Channel, by: string, handleMs = 0) => {
      if (handleMs > 0) await channel.prefetch(1);
      await channel.consume(queue, (message) => {
        if (message === null) {
          handled.push({ by, text: 'null', color: undefined });
          return;
        }
        const handle = () => {
          try {
            channel.ack(message);
          } catch {
            return; // the test is over
          }
          handled.push({ by, text: `${message.content}`, color: activeColor() });
        };
        if (handleMs === 0) handle();
        else setTimeout(handle, handleMs).unref();
      });
    };
    /** An instance that consumes. */
    const start = async (by: string, color?: string, handleMs = 0, hearsAfterMs = 0) => {
      const it = await open(color, hearsAfterMs);
      await consume(it.channel, by, handleMs);
      const status = (): MqConsumer | undefined => it.coloring.mq.status().consumers[0];
      return { ...it, status };
    };
    /** A color whose consumer died: `count` of its messages wait. */
    const leaveBehind = async (channel: Channel, count: number, from = 0) => {
      const dead = await start('a', 'a', 600_000);
      await settle();
      for (let n = 0; n < count; n++) await send(channel, `${from + n}`);
      const raw = await connect(servers.rabbitmq.url);
      await dead.connection.close();
      const look = await raw.createChannel();
      await until(async () => (await look.checkQueue(`GID_a_${queue}`)).messageCount === count);
    };
    const send = async (channel: Channel, text: string, color: string | undefined = 'a') => {
      await withColor(color, async () => channel.publish(exchange, 'k', Buffer.from(text)));
      await (channel as { waitForConfirms?(): Promise<void> }).waitForConfirms?.();
    };
    /** In filter mode a join counts after the grace. */
    const settle = () => pause(mode === 'filter' ? 2 * GRACE_MS : 0);
    const hasQueue = async () => {
      const channel = await (await connect(servers.rabbitmq.url)).createChannel();
      channel.on('error', () => {});
      return await channel.checkQueue(`GID_a_${queue}`).then(
        () => true,
        () => false,
      );
    };
    const told = () => handled.map(({ by, text, color }) => `${by} ${text} ${color}`).sort();
    return {
      ...{ directory, environments, queue, handled, open, consume, start, leaveBehind, send, settle },
      ...{ hasQueue, told },
    };
  }

  for (const mode of ['routing', 'filter'] as const) {
    test(`${mode}: withdraw drains by the color's own consumers, of two processes; declared again they come back`, async () => {
      const { environments, handled, start, send, settle, hasQueue, told } = await world(mode);
      const base = await start('base');
      const handleMs = mode === 'filter' ? 120 : 20;
      const colored = [await start('a', 'a', handleMs), await start('a', 'a', handleMs)];
      await settle();
      for (let n = 10; n < 30; n++) await send(base.channel, `${n}`);
      const seen: (number | undefined)[] = [];
      const outcome = await environments.withdraw('order', 'a', {
        onProgress: ({ remaining }) => void seen.push(remaining),
      });
      expect(outcome).toEqual({ withdrawn: true, discarded: 0 });
      expect(seen.some((remaining) => (remaining ?? 0) > 0)).toBe(true);
      expect(told()).toEqual(Array.from({ length: 20 }, (_, n) => `a ${n + 10} a`));
      expect(await hasQueue()).toBe(false);
      await until(() => colored.every(({ status }) => status()?.phase === 'left'));
      await send(base.channel, 'after');
      await until(() => handled.length === 21);
      expect(handled.at(-1)).toEqual({ by: 'base', text: 'after', color: 'a' });

      await environments.declare('order', 'a');
      await until(() => colored.every(({ status }) => status()?.phase === 'running'));
      await settle();
      await send(base.channel, 'again');
      await until(() => handled.length === 22);
      expect(handled.at(-1)).toEqual({ by: 'a', text: 'again', color: 'a' });
    });

    test(`${mode}: where the color is dead, the baselines drain in its color; two of them, and two channels`, async () => {
      const { environments, queue, handled, start, consume, leaveBehind, send, settle, hasQueue, told } =
        await world(mode);
      const base = await start('base', undefined, 20);
      await start('base', undefined, 20);
      const second = coloredChannel(base.coloring, await base.connection.createChannel());
      if (mode === 'routing') await consume(second, 'base', 20);
      await leaveBehind(base.channel, 20, 10);
      const outcome = await environments.withdraw('order', 'a');
      expect(outcome).toEqual({ withdrawn: true, discarded: 0 });
      expect(told()).toEqual(Array.from({ length: 20 }, (_, n) => `base ${n + 10} a`));
      expect(await hasQueue()).toBe(false);
      await settle();
      await send(base.channel, 'after');
      await send(base.channel, 'plain', undefined);
      await until(() => handled.length === 22);
      expect(base.coloring.mq.status().consumers.map(({ group }) => group)).toContain(queue);
    });

    test(`${mode}: discard tells how many it gives up, and the baseline goes on`, async () => {
      const { environments, handled, start, leaveBehind, send, settle, hasQueue } = await world(mode);
      const base = await start('base');
      await leaveBehind(base.channel, 7);
      expect(await environments.withdraw('order', 'a', { onLeave: 'discard' })).toEqual({
        withdrawn: true,
        discarded: 7,
      });
      expect(await hasQueue()).toBe(false);
      await settle();
      await send(base.channel, 'after');
      await until(() => handled.length > 0);
      expect(handled).toEqual([{ by: 'base', text: 'after', color: 'a' }]);
    });

    test(`${mode}: discard under living consumers of the color tells them nothing, and they come back`, async () => {
      const { environments, handled, start, send, settle } = await world(mode);
      const base = await start('base');
      const colored = await start('a', 'a', 400);
      await settle();
      for (let n = 0; n < 10; n++) await send(base.channel, `${n}`);
      const { discarded } = await environments.withdraw('order', 'a', { onLeave: 'discard' });
      expect(discarded).toBeGreaterThan(2);
      await until(() => colored.status()?.phase === 'left');
      await environments.declare('order', 'a');
      await until(() => colored.status()?.phase === 'running');
      expect(handled.map(({ text }) => text)).not.toContain('null');
    });

    test(`${mode}: nobody lives: it waits, and the next consumer of the service does it`, async () => {
      const { environments, start, leaveBehind, told } = await world(mode);
      const base = await start('base');
      await leaveBehind(base.channel, 3);
      await base.connection.close();
      const waiting: (string | undefined)[] = [];
      const done = environments.withdraw('order', 'a', {
        onProgress: ({ waitingFor }) => void waiting.push(waitingFor),
      });
      await until(() => waiting.length > 0);
      expect(waiting[0]).toMatch(/^a consumer of orders-/);
      await start('base');
      expect(await done).toEqual({ withdrawn: true, discarded: 0 });
      expect(told()).toEqual(['base 0 a', 'base 1 a', 'base 2 a']);
    });

    test(`${mode}: an environment that expires, and one that is deleted, with unread messages`, async () => {
      const { environments, start, leaveBehind, told, hasQueue } = await world(mode);
      const base = await start('base');
      await leaveBehind(base.channel, 2);
      expect(await environments.endExpired(Date.now() + 30 * 24 * 3_600_000)).toEqual(['a']);
      await until(async () => !(await hasQueue()), 30_000);
      expect(told()).toEqual(['base 0 a', 'base 1 a']);
      await leaveBehind(base.channel, 2, 2);
      expect(await environments.delete('a')).toEqual({ deleted: true, discarded: 0 });
      expect(await hasQueue()).toBe(false);
      expect(told()).toEqual(['base 0 a', 'base 1 a', 'base 2 a', 'base 3 a']);
    });

    test(`${mode}: who comes back while it leaves waits, drains what it left behind, and then joins`, async () => {
      const { environments, start, open, consume, leaveBehind, handled, send, settle } = await world(mode);
      const base = await start('base');
      await leaveBehind(base.channel, 5);
      await base.channel.close();
      await environments.withdraw('order', 'a', { wait: false });
      await environments.ensure('a', { owner: 'test' });
      await environments.declare('order', 'a');
      const back = await open('a');
      const before = performance.now();
      await consume(back.channel, 'a', 50);
      expect(performance.now() - before).toBeLessThan(5_000);
      const status = () => back.coloring.mq.status().consumers[0];
      expect(status()).toMatchObject({ phase: 'waiting-for-drain', waiting: { for: expect.any(String) } });
      await until(() => status()?.phase === 'running', 30_000);
      expect(handled.map(({ by, text }) => `${by} ${text}`).sort()).toEqual(
        [0, 1, 2, 3, 4].map((n) => `a ${n}`),
      );
      await settle();
      const { channel } = await open();
      await send(channel, 'new');
      await until(() => handled.length === 6);
      expect(handled.at(-1)).toEqual({ by: 'a', text: 'new', color: 'a' });
    });
  }

  test('withdrawQueue takes it out by its name, also under two channels; it comes back when the application consumes', async () => {
    const { queue, handled, start, open, consume, send, directory, hasQueue } = await world('routing');
    const base = await start('base');
    const colored = await start('a', 'a', 20);
    const second = coloredChannel(colored.coloring, await colored.connection.createChannel());
    await consume(second, 'a', 20);
    for (let n = 0; n < 10; n++) await send(base.channel, `${n}`);
    expect(await withdrawQueue(base.channel, queue, { color: 'a', pollMs: 20 })).toEqual({ discarded: 0 });
    expect(await hasQueue()).toBe(false);
    expect(handled.map(({ by }) => by)).toEqual(Array(10).fill('a'));
    await until(() => colored.coloring.mq.status().consumers.every(({ phase }) => phase === 'left'));
    // The membership stands, and something else changes.
    await directory.state?.create('sub/order/b/other', 'x');
    await pause(1_500);
    await send(base.channel, 'out');
    await until(() => handled.length === 11);
    expect(handled.at(-1)?.by).toBe('base');
    const again = await open('a');
    await consume(again.channel, 'a');
    await send(base.channel, 'in');
    await until(() => handled.length === 12);
    expect(handled.at(-1)?.by).toBe('a');
  });

  test('a color’s process that hears of it late is told nothing of its queue’s end, and comes back', async () => {
    const { environments, handled, start, send } = await world('routing');
    const base = await start('base');
    const colored = await start('a', 'a', 10, 1_500);
    await send(base.channel, '0');
    await until(() => handled.length === 1);
    await environments.withdraw('order', 'a', { onLeave: 'discard' });
    await until(() => colored.status()?.phase === 'left');
    await environments.declare('order', 'a');
    await until(() => colored.status()?.phase === 'running');
    await send(base.channel, '1');
    await until(() => handled.length === 2);
    expect(handled.map(({ by, text }) => `${by} ${text}`)).toEqual(['a 0', 'a 1']);
  });

  test('a process that hears of it when the color is back already does not take it out again', async () => {
    const { environments, handled, start, send } = await world('routing');
    const base = await start('base');
    await start('base', undefined, 0, 3_000);
    const colored = await start('a', 'a', 10);
    await pause(3_500);
    await environments.withdraw('order', 'a');
    await environments.declare('order', 'a');
    await until(() => colored.status()?.phase === 'running');
    await pause(4_500);
    for (let n = 0; n < 10; n++) await send(base.channel, `${n}`);
    await until(() => handled.length === 10);
    expect(handled.map(({ by }) => by)).toEqual(Array(10).fill('a'));
  });

  test('a membership that ended between two connections is not brought back by the reconnect', async () => {
    const { environments, queue, handled, start, consume, send } = await world('routing');
    const base = await start('base');
    const colored = await start('a', 'a');
    await colored.channel.close();
    await environments.withdraw('order', 'a');
    const again = coloredChannel(colored.coloring, await colored.connection.createConfirmChannel());
    await again.assertQueue(queue, { arguments: { 'x-queue-type': 'classic' } });
    await consume(again, 'a');
    expect(colored.status()?.phase).toBe('left');
    await send(base.channel, '0');
    await until(() => handled.length === 1);
    expect(await environments.memberships('a')).toEqual([]);
    await environments.declare('order', 'a');
    await until(() => colored.status()?.phase === 'running');
    await send(base.channel, '1');
    await until(() => handled.length === 2);
    expect(handled.map(({ by, text }) => `${by} ${text}`)).toEqual(['base 0', 'a 1']);
  });

  test('quorum queues leave too', async () => {
    const { environments, start, leaveBehind, told, hasQueue } = await world('routing', 'quorum');
    const base = await start('base');
    await leaveBehind(base.channel, 3);
    expect(await environments.withdraw('order', 'a')).toEqual({ withdrawn: true, discarded: 0 });
    expect(told()).toEqual(['base 0 a', 'base 1 a', 'base 2 a']);
    expect(await hasQueue()).toBe(false);
  });

  test('a color that takes its messages by get: what it has in hand is waited for; what it does not take is the baseline’s', async () => {
    const { environments, queue, open, consume, send, told } = await world('routing');
    const base = await open();
    const { channel } = await open('a');
    const take = async (text: string) => {
      const message = await channel.get(queue);
      expect(message && `${message.content}`).toBe(text);
      return message || undefined;
    };
    expect(await channel.get(queue)).toBe(false);
    await send(base.channel, '0');
    const first = await take('0');
    let isDone = false;
    const done = environments.withdraw('order', 'a').finally(() => {
      isDone = true;
    });
    await pause(1_000);
    expect(isDone).toBe(false);
    if (first !== undefined) channel.ack(first);
    expect(await done).toEqual({ withdrawn: true, discarded: 0 });
    expect(await channel.get(queue)).toBe(false);

    await environments.declare('order', 'a');
    expect(await channel.get(queue)).toBe(false);
    for (const text of ['1', '2', '3']) await send(base.channel, text);
    const second = await take('1');
    if (second !== undefined) channel.ack(second);
    await consume(base.channel, 'base');
    expect(await environments.withdraw('order', 'a')).toEqual({ withdrawn: true, discarded: 0 });
    expect(told()).toEqual(['base 2 a', 'base 3 a']);
    expect(await channel.get(queue)).toBe(false);
  });

  test('a queue that somebody deletes ends its consumers, and they are told', async () => {
    const { queue, start, handled } = await world('routing');
    await start('base');
    const colored = await start('a', 'a');
    const raw = await (await connect(servers.rabbitmq.url)).createChannel();
    await raw.deleteQueue(`GID_a_${queue}`);
    await until(() => handled.length === 1);
    expect(handled).toEqual([{ by: 'a', text: 'null', color: undefined }]);
    expect(colored.status()?.phase).toBe('running');
  });
});
