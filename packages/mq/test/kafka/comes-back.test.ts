import type { Logger } from '@colorway/core/background';
import type { MemoryConsumer } from '@colorway/mq/memory';
import { MemoryShop } from './memory-shop.js';
import { until } from './until.js';

const TEST_MS = 120_000;
const WAIT_MS = 30_000;

/** What KafkaJS throws where each broker that it knows breaks off while it is asked who coordinates a group, as one that is restarted does. */
function brokersAreGone(name = 'KafkaJSGroupCoordinatorNotFound'): Error {
  return Object.assign(new Error('Failed to find group coordinator'), { name, retriable: false });
}

describe('a client that gives up because the brokers were gone for a moment', () => {
  let shop: MemoryShop;
  const lines: string[] = [];
  beforeEach(() => {
    lines.length = 0;
    shop = new MemoryShop();
    const hear = (message: string): unknown => lines.push(message);
    shop.logger = { debug: hear, info: hear, warn: hear, error: hear } satisfies Logger;
  });
  afterEach(() => shop.close(), WAIT_MS);

  /** Fails that often with this, and handles then. */
  const failing = (by: string, times: number, error: Error) => {
    let left = times;
    return {
      eachMessage: async ({ message }: { message: { value: Buffer | null } }) => {
        if (left-- > 0) throw error;
        shop.handled.push({ by, id: String(message.value) });
      },
    };
  };
  const linesOf = (code: string): string[] => lines.filter((line) => line.startsWith(code));

  it.each([
    ['', 'KafkaJSGroupCoordinatorNotFound'],
    ['red', 'KafkaJSGroupCoordinatorNotFound'],
    ['', 'KafkaJSLockTimeout'],
  ])(
    'runs again by itself, says so once, and once when it works (%j, %s)',
    async (color, name) => {
      const run = failing('it', 2, brokersAreGone(name));
      const { coloring } = await shop.start('it', { run, ...(color && { color }) });
      if (color) await shop.untilHandover(color, 'active', WAIT_MS);
      const ids = await shop.send(3, color || undefined);
      await until('all is handled', async () => shop.handled.length === 3, WAIT_MS);
      expect(shop.handled.map(({ id }) => id).sort()).toEqual([...ids].sort());
      await until(
        'it says that it works',
        async () => linesOf('COLORWAY_CONSUMER_RESTARTED').length === 2,
        WAIT_MS,
      );
      expect(linesOf('COLORWAY_CONSUMER_RESTARTED')).toEqual([
        expect.stringContaining('fails and is tried again: Failed to find group coordinator'),
        expect.stringContaining('works again'),
      ]);
      expect(coloring.mq.status().consumers[0]?.phase).toBe('running');
    },
    TEST_MS,
  );

  it(
    'is ended by a stop while it waits, for good',
    async () => {
      const started: MemoryConsumer[] = [];
      shop.intercept = (consumer) => void started.push(consumer);
      const { consumer, coloring } = await shop.start('it', { run: failing('it', 1_000, brokersAreGone()) });
      await shop.send(1);
      await until(
        'it has given up',
        async () => linesOf('COLORWAY_CONSUMER_RESTARTED').length === 1,
        WAIT_MS,
      );
      const runs = jest.spyOn(started[0] as MemoryConsumer, 'run');
      await consumer.stop();
      runs.mockClear();
      // Longer than the first wait, which is 1 s at most.
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(runs).not.toHaveBeenCalled();
      expect(coloring.mq.status().consumers).toEqual([]);
    },
    TEST_MS,
  );

  it(
    'fails where the application has said so, and for all else',
    async () => {
      const restartOnFailure = jest.fn(async () => false);
      const { coloring } = await shop.start('asked', {
        run: failing('asked', 1_000, brokersAreGone()),
        retry: { restartOnFailure },
      });
      const other = await shop.start('other', {
        group: 'GID_other',
        run: failing('other', 1_000, brokersAreGone('KafkaJSInvariantViolation')),
      });
      await shop.send(1);
      for (const { mq } of [coloring, other.coloring]) {
        await until('it has failed', async () => mq.status().consumers[0]?.phase === 'failed', WAIT_MS);
      }
      expect(restartOnFailure).toHaveBeenCalledTimes(1);
      expect(linesOf('COLORWAY_CONSUMER_RESTARTED')).toEqual([]);
    },
    TEST_MS,
  );
});
