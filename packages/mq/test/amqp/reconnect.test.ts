import { activeColor, type Coloring, withColor } from '@colorway/core';
import { type ColoredChannelOptions, coloredChannel, keepConnected } from '@colorway/mq/amqp';
import { type MemoryDirectory, memoryDirectory } from '@colorway/registry/memory';
import type { ChannelModel, ConfirmChannel } from 'amqplib';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp, cleanUpAll, coloringOf, type Handled, LINES, pause, unique, until } from './rabbit.js';

jest.setTimeout(300_000);
afterEach(cleanUpAll, 60_000);
// The directory is away for a while, and says so.
beforeAll(() => void jest.spyOn(process, 'emitWarning').mockImplementation(() => {}));
afterAll(() => jest.restoreAllMocks());

const COLORS = [undefined, 'a', 'b', 'c'];
/** Message n has this color; 'c' consumes nothing. */
const colorOf = (n: number) => COLORS[n % 4];

interface Service {
  readonly coloring: Coloring;
  channel: ConfirmChannel | undefined;
  setUps: number;
}

type Setup = (connection: ChannelModel) => Promise<void>;
type Connect = (url: string, setup: Setup) => Promise<{ close(): Promise<void> }>;

/** As a user would write it, for each line of amqplib. */
const CONNECT: Readonly<Record<string, Connect>> = {
  'amqplib 2, recovery': async (url, setup) => {
    const recovery = { initialDelay: 100, maxDelay: 1_000, setup };
    const connection = await LINES['amqplib 2'].connect(url, { recovery });
    connection.on('error', () => {});
    return connection;
  },
  'amqplib 1, keepConnected': (url, setup) =>
    keepConnected(() => LINES['amqplib 1'].connect(url), setup, { maxDelayMs: 1_000, onError: () => {} }),
};

/** A process that does not read the directory for so long takes no message for a color's: longer than a busy machine stops one. */
const GRACE_MS = 5_000;

describeWithServers(
  ['rabbitmq'],
  'amqp, consumers after the broker was killed and restarted',
  (servers) => {
    async function world(connect: Connect, mode: 'routing' | 'filter') {
      const directory: MemoryDirectory = memoryDirectory();
      cleanUp(() => directory.close());
      const [queue, exchange] = [unique('GID_order'), unique('shop')];
      const handled: Handled[] = [];
      const options: ColoredChannelOptions =
        mode === 'filter' ? { mode, state: directory.state, graceMs: GRACE_MS } : {};
      const start = async (by: string, color?: string, consumes = true): Promise<Service> => {
        const coloring = coloringOf(color, {}, directory);
        if (color !== undefined) await coloring.environments.ensure(color, { owner: 'test' });
        const service: Service = { coloring, channel: undefined, setUps: 0 };
        const connection = await connect(servers.rabbitmq.url, async (model) => {
          const raw = await model.createConfirmChannel();
          raw.on('error', () => {});
          const channel = coloredChannel(coloring, raw, options);
          await channel.assertExchange(exchange, 'topic');
          if (consumes) {
            await channel.assertQueue(queue);
            await channel.bindQueue(queue, exchange, 'order.*');
            await channel.consume(queue, (message) => {
              if (message === null) return;
              handled.push({ by, text: `${message.content}`, color: activeColor() });
              channel.ack(message);
            });
          }
          service.channel = channel;
          service.setUps++;
        });
        cleanUp(() => connection.close().catch(() => {}));
        return service;
      };
      return { start, handled, exchange, directory };
    }

    /** Sends until each message is confirmed, as a careful user does: what was not is sent again. */
    async function send(service: Service, exchange: string, n: number): Promise<void> {
      for (;;) {
        try {
          const confirmed = await new Promise<boolean>((resolve) => {
            const onConfirm = (error: unknown): void => resolve(error === null || error === undefined);
            withColor(colorOf(n), () =>
              service.channel?.publish(
                exchange,
                'order.new',
                Buffer.from(`${n}`),
                { persistent: true },
                onConfirm,
              ),
            );
            setTimeout(() => resolve(false), 5_000).unref();
          });
          if (confirmed) return;
        } catch {
          // The channel is closed.
        }
        await pause(100);
      }
    }

    for (const [line, connect] of Object.entries(CONNECT)) {
      for (const mode of ['routing', 'filter'] as const) {
        test(`${line}, ${mode} mode: consumers go on, nothing is lost, each color by its own`, async () => {
          const { start, handled, exchange, directory } = await world(connect, mode);
          const consumers = [await start('base'), await start('a', 'a'), await start('b', 'b')];
          const producer = await start('producer', undefined, false);
          if (mode === 'filter') await pause(2 * GRACE_MS); // until the joins count everywhere
          const count = 300;
          let sent = 0;
          const producing = (async () => {
            for (; sent < count; sent++) {
              await send(producer, exchange, sent);
              await pause(5);
            }
          })();
          await until(() => handled.length > 40);
          await servers.rabbitmq.kill();
          // A reconnect needs no directory: what was joined stays joined.
          if (mode === 'routing') directory.disconnect();
          await servers.rabbitmq.restart();
          await until(() => consumers.every(({ setUps }) => setUps > 1), 60_000);
          directory.reconnect();
          await producing;
          const texts = () => new Set(handled.map(({ text }) => text));
          await until(() => texts().size === count, 60_000);
          for (const { by, text, color } of handled) {
            const expected = colorOf(Number(text));
            expect([text, color]).toEqual([text, expected]);
            expect([text, by]).toEqual([text, expected === 'a' || expected === 'b' ? expected : 'base']);
          }
        });
      }
    }
  },
  { own: true },
);

test('keepConnected tells what the first set-up throws, and ends trying when it is closed', async () => {
  const events: string[] = [];
  const listeners: ((error?: Error) => void)[] = [];
  const connection = {
    on: (event: string, listener: (error?: Error) => void) => event === 'close' && listeners.push(listener),
    close: async () => void events.push('close'),
  };
  const connect = async () => {
    events.push('connect');
    return connection;
  };
  await expect(
    keepConnected(connect, () => {
      throw new Error('no such queue');
    }),
  ).rejects.toThrow('no such queue');
  expect(events.splice(0)).toEqual(['connect', 'close']);
  const errors: unknown[] = [];
  const options = { initialDelayMs: 1, onError: (error: unknown) => void errors.push(error) };
  const kept = await keepConnected(connect, () => void events.push('setup'), options);
  listeners.at(-1)?.(new Error('gone'));
  await until(() => events.length === 4);
  expect(events.splice(0)).toEqual(['connect', 'setup', 'connect', 'setup']);
  listeners.at(-1)?.();
  await kept.close();
  await kept.close();
  await pause(30);
  expect(events).toEqual([]);
  expect(errors).toHaveLength(2);
});
