import {
  activeColor,
  formatSubscription,
  parseSubscription,
  type StateStore,
  SUBSCRIPTION_PREFIX,
  subscriptionKey,
  withColor,
} from '@colorway/core';
import { coloredChannel, type ModeName, withdrawQueue } from '@colorway/mq/amqp';
import { type MemoryDirectory, memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import {
  type ConfirmChannel,
  cleanUp,
  cleanUpAll,
  coloringOf,
  connect,
  type Handled,
  pause,
  unique,
  until,
} from './rabbit.js';

jest.setTimeout(60_000);
beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await cleanUpAll();
  jest.restoreAllMocks();
}, 30_000);

const GRACE_MS = 300;

describeWithServers(['rabbitmq'], 'amqp, one service at two brokers', (first) => {
  describeWithServers(
    ['rabbitmq'],
    'with a queue of the same name at each',
    (second) => {
      const urlOf = (at: 'A' | 'B') => (at === 'A' ? first : second).rabbitmq.url;

      function world(mode: ModeName) {
        const directory: MemoryDirectory = memoryDirectory();
        cleanUp(() => directory.close());
        const state = directory.state as StateStore;
        const [queue, exchange] = [unique('orders'), unique('shop')];
        const handled: (Handled & { readonly at: string })[] = [];
        const start = async (color?: string) => {
          const coloring = coloringOf(color, {}, directory);
          if (color !== undefined) await coloring.environments.ensure(color, { owner: 'test' });
          const open = async (at: 'A' | 'B') => {
            const raw = await (await connect(urlOf(at))).createConfirmChannel();
            raw.on('error', () => {});
            const options = mode === 'filter' ? { mode, state, graceMs: GRACE_MS } : {};
            const channel = coloredChannel(coloring, raw, options);
            await channel.assertExchange(exchange, 'topic');
            await channel.assertQueue(queue);
            await channel.bindQueue(queue, exchange, '#');
            return channel;
          };
          const consume = async (at: 'A' | 'B') => {
            const channel = await open(at);
            await channel.consume(queue, (message) => {
              if (message === null) return;
              handled.push({ by: color ?? 'base', at, text: `${message.content}`, color: activeColor() });
              channel.ack(message);
            });
            return channel;
          };
          return { open, consume, coloring };
        };
        const records = async () =>
          (await state.list(SUBSCRIPTION_PREFIX)).flatMap((entry) => {
            const read = parseSubscription(entry);
            return read === undefined ? [] : [{ key: entry.key, ...read }];
          });
        const send = async (channel: ConfirmChannel, text: string) => {
          withColor('red', () => channel.publish(exchange, 'k', Buffer.from(text)));
          await channel.waitForConfirms();
        };
        const told = () => handled.map(({ by, at, text }) => `${text}: ${by} at ${at}`).sort();
        return { state, queue, handled, start, records, send, told };
      }

      test.each(['routing', 'filter'] as const)(
        '%s: red consumes at A only; at B its messages are the baseline’s',
        async (mode) => {
          const { start, send, told, handled } = world(mode);
          const base = await start();
          const [a, b] = [await base.consume('A'), await base.consume('B')];
          const red = await start('red');
          await red.consume('A');
          if (mode === 'filter') await pause(2 * GRACE_MS);
          for (const text of ['0', '1']) await send(a, text);
          for (const text of ['2', '3']) await send(b, text);
          await until(() => handled.length >= 4);
          await pause(200);
          expect(told()).toEqual(['0: red at A', '1: red at A', '2: base at B', '3: base at B']);
        },
      );

      test.each(['routing', 'filter'] as const)(
        '%s: red consumes at both, and what is withdrawn at A ends nothing at B',
        async (mode) => {
          const { start, send, told, handled, queue, records } = world(mode);
          const base = await start();
          const [a, b] = [await base.consume('A'), await base.consume('B')];
          const red = await start('red');
          const redAtA = await red.consume('A');
          await red.consume('B');
          // One broker alone has the key of the names; each of two has a record of its own.
          expect((await records()).map(({ key, state }) => [key.replace(queue, 'q'), state])).toEqual([
            ['sub/order/red/amqp~q', 'joined'],
            [expect.stringMatching(/^sub\/order\/red\/amqp~q~@[0-9a-f]{12}$/), 'joined'],
          ]);
          if (mode === 'filter') await pause(2 * GRACE_MS);
          await withdrawQueue(redAtA, queue);
          if (mode === 'filter') await pause(2 * GRACE_MS);
          await send(a, '0');
          await send(b, '1');
          await until(() => handled.length >= 2);
          await pause(200);
          expect(told()).toEqual(['0: base at A', '1: red at B']);
          expect((await records()).map(({ state }) => state)).toEqual(['left', 'joined']);
          // The membership ends: so does what is left, at B.
          await red.coloring.environments.withdraw('order', 'red');
          await until(async () => (await records()).every(({ state }) => state === 'left'));
        },
      );

      test('a record of an older version, which does not say which broker’s it is, is read and served', async () => {
        const { start, state, queue, records } = world('routing');
        const base = await start();
        await base.consume('A');
        const red = await start('red');
        const name = { service: 'order', color: 'red' as never, broker: 'amqp', group: queue };
        await state.create(subscriptionKey(name), formatSubscription({ ...name, state: 'joined', at: 1 }));
        await red.consume('A');
        expect(await records()).toMatchObject([{ key: subscriptionKey(name), state: 'joined' }]);
        await red.coloring.environments.withdraw('order', 'red');
        await until(async () => (await records()).every(({ state: now }) => now === 'left'));
      });
    },
    { own: true },
  );
});
