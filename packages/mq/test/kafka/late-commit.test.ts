import type { MemoryConsumer, MemoryEachBatchPayload, MemoryRunConfig } from '@colorway/mq/memory';
import { MemoryShop } from './memory-shop.js';
import { until } from './until.js';

const TEST_MS = 120_000;
const WAIT_MS = 30_000;

/** An application commits by itself, and may do so long after its handler, when the drain that gave it the message is over. */
describe('a commit behind a message that was drained, made when the drain is over', () => {
  let shop: MemoryShop;
  beforeEach(() => {
    shop = new MemoryShop();
  });
  afterEach(() => shop.close(), WAIT_MS);

  /** @param each told of each message by partition and offset: what it does not commit, nobody does. */
  const byHand = (
    by: string,
    each: (partition: number, offset: string) => Promise<void> = async () => {},
  ): MemoryRunConfig => ({
    autoCommit: false,
    eachBatch: async ({ batch, resolveOffset }: MemoryEachBatchPayload) => {
      for (const { offset, value } of batch.messages) {
        shop.handled.push({ by, id: String(value) });
        resolveOffset(offset);
        await each(batch.partition, offset);
      }
    },
  });

  it(
    'does not fail: what was drained is committed',
    async () => {
      const consumers: { base?: MemoryConsumer } = {};
      const commit = async (partition: number, message: string): Promise<void> => {
        const offset = String(Number(message) + 1);
        await consumers.base?.commitOffsets([{ topic: shop.topic, partition, offset }]);
      };
      const base = await shop.start('base', { run: byHand('base', commit) });
      consumers.base = base.consumer;
      const red = await shop.start('red', { color: 'red', run: byHand('red') });
      await shop.untilHandover('red', 'active', WAIT_MS);
      const ids = await shop.send(4, 'red');
      await until('red handles', async () => shop.handled.length === 4, WAIT_MS);
      await red.consumer.disconnect();
      const late: Promise<void>[] = [];
      shop.intercept = (consumer, groupId) => {
        if (groupId !== 'GID_red_order') return;
        consumer.on(consumer.events.STOP, () => void late.push(commit(0, '0')));
      };
      await red.coloring.environments.delete('red');
      await until('they are drained', async () => shop.handled.length === 8, WAIT_MS);
      await shop.untilHandover('red', 'gone', WAIT_MS);
      expect(
        shop.handled
          .slice(4)
          .map(({ by, id }) => `${by} ${id}`)
          .sort(),
      ).toEqual(ids.map((id) => `base ${id}`));
      expect(late).toHaveLength(1);
      expect(await Promise.allSettled(late)).toEqual([{ status: 'fulfilled', value: undefined }]);
    },
    TEST_MS,
  );
});
