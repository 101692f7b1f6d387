import type { Socket } from 'node:net';
import { withColor } from '@colorway/core';
import { runningTasks } from '@colorway/core/background';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { TcpProxy } from '../../../../test/support/tcp-proxy.js';
import { cleanUp, instance, pause, unique, until, warningsOfEach } from './rabbit.js';

jest.setTimeout(120_000);
const warned = warningsOfEach();

/** What a broker that is silent may cost a close: 4 to 6 s, and twice that on a slow machine; it was 45. */
const BOUND_MS = 12_000;
const DRAIN_MS = 60_000;

type Instance = Awaited<ReturnType<typeof instance>>;

/** A socket that is gone without amqplib's notice, until the test ends. */
function crash({ connection }: Instance): void {
  const { stream } = connection.connection as unknown as { stream: Socket };
  stream.destroy();
  cleanUp(() => stream.emit('error', new Error('gone')));
}

/* A broker that does not answer any more: closing asks it, and does not wait for it. */
describeWithServers(
  ['rabbitmq'],
  'amqp, coloring.close() on a connection that is frozen or has crashed',
  (servers) => {
    async function world(mode: 'routing' | 'filter' = 'routing') {
      const directory = memoryDirectory();
      cleanUp(() => directory.close());
      const [queue, exchange] = [unique('orders'), unique('shop')];
      const options = mode === 'filter' ? { mode, state: directory.state, graceMs: 200 } : {};
      const start = async (url: string, color: string | undefined) => {
        const it = await instance(url, color, { ...options, directory, drainMs: DRAIN_MS } as never);
        await it.channel.assertExchange(exchange, 'topic');
        await it.channel.assertQueue(queue);
        await it.channel.bindQueue(queue, exchange, '#');
        return it;
      };
      const base = await start(servers.rabbitmq.url, undefined);
      await base.channel.consume(queue, (message) => message && base.channel.ack(message));
      const proxy = await TcpProxy.open(servers.rabbitmq.url);
      cleanUp(() => proxy.close());
      const red = await start(proxy.url, 'a');
      cleanUp(() => proxy.heal());
      const send = async (text: string) => {
        withColor('a', () => base.channel.publish(exchange, 'k', Buffer.from(text)));
        await base.channel.waitForConfirms();
      };
      const handled: string[] = [];
      const consume = (handle: (text: string) => Promise<void> = async () => {}) =>
        red.channel.consume(queue, (message) => {
          if (message === null) return;
          handled.push(`${message.content}`);
          void handle(`${message.content}`).then(() => red.channel.ack(message));
        });
      return { queue, base, red, proxy, send, handled, consume };
    }

    /** How long it took, and what went on then. */
    async function closed({ coloring }: Instance) {
      const before = performance.now();
      await coloring.close();
      const tasks = runningTasks().filter((task) => task.includes('RabbitMQ') && !task.includes('baseline'));
      return { ms: performance.now() - before, tasks };
    }

    test.each(['routing', 'filter'] as const)(
      '%s, frozen: it ends in a few seconds, nothing goes on, and nothing is handled when the network is back',
      async (mode) => {
        const { base, red, proxy, send, handled, consume } = await world(mode);
        await consume();
        proxy.swallow();
        const { ms } = await closed(red);
        expect(ms).toBeLessThan(BOUND_MS);
        await base.coloring.close();
        expect(runningTasks()).toEqual([]);
        await send('late');
        proxy.heal();
        await pause(1_000);
        expect(handled).toEqual([]);
        const codes = warned().mock.calls.map(([, options]) => (options as { code?: string }).code);
        expect(codes).toEqual(['COLORWAY_BROKER_SILENT']);
      },
    );

    test('frozen with something in hand: the handler ends, and nothing else is waited for', async () => {
      const { red, proxy, send, handled, consume } = await world();
      let isDone = false;
      let finish = (): void => {};
      await consume(async () => {
        await new Promise<void>((resolve) => {
          finish = resolve;
        });
        isDone = true;
      });
      await send('0');
      await until(() => handled.length === 1);
      proxy.swallow();
      let isClosed = false;
      const closing = closed(red).then((result) => {
        isClosed = true;
        return result;
      });
      await pause(6_000);
      expect(isClosed).toBe(false);
      finish();
      expect((await closing).ms).toBeLessThan(6_000 + BOUND_MS);
      expect([isDone, handled]).toEqual([true, ['0']]);
    });

    test('frozen while a presence stands for get, and while messages are sent to a queue that is asked for', async () => {
      const { queue, red, proxy } = await world();
      expect(await red.channel.get(queue)).toBe(false);
      proxy.swallow();
      red.channel.get(queue).catch(() => {});
      red.channel.sendToQueue(unique('elsewhere'), Buffer.from('0'));
      expect((await closed(red)).ms).toBeLessThan(BOUND_MS);
    });

    test('crashed, with a handler that never ends: what it holds is the broker’s again, and is not waited for', async () => {
      const { red, send, handled, consume } = await world();
      await consume(() => new Promise(() => {}));
      await send('0');
      await until(() => handled.length === 1);
      crash(red);
      expect((await closed(red)).ms).toBeLessThan(BOUND_MS);
      expect(warned()).not.toHaveBeenCalled();
    });

    test('frozen while its color leaves', async () => {
      const { base, red, proxy, send, handled, consume } = await world();
      await consume(async () => void (await pause(500)));
      for (const text of ['0', '1', '2']) await send(text);
      await until(() => handled.length > 0);
      const ended = new AbortController();
      const leaving = base.coloring.environments
        .withdraw('order', 'a', { signal: ended.signal })
        .catch(() => {});
      await pause(300);
      proxy.swallow();
      expect((await closed(red)).ms).toBeLessThan(BOUND_MS);
      ended.abort();
      await leaving;
      await base.coloring.close();
      expect(runningTasks()).toEqual([]);
    });
  },
);
