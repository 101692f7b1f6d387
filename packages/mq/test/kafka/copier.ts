import { coloredKafka } from '@colorway/mq/kafka';
import type { ColoringService } from '@colorway/registry';
import type { Consumer, Kafka } from 'kafkajs';

/** Where in its transaction a copier is. */
export type Stage = 'sent' | 'offsets' | 'committed';

export interface CopierOptions {
  readonly coloring: ColoringService;
  readonly client: Kafka;
  readonly group: string;
  readonly from: string;
  readonly to: string;
  readonly onCopy?: (id: string, offset: string) => void;
  readonly at?: (stage: Stage, id: string) => Promise<void> | void;
}

/** The exactly-once chain as KafkaJS documents it: consume, produce and send offsets, commit; abort where that fails. */
export async function startCopier(
  options: CopierOptions,
): Promise<{ consumer: Consumer; stop: () => Promise<void> }> {
  const { coloring, client, group, from, to, onCopy = () => {}, at = () => {} } = options;
  const kafka = coloredKafka(coloring, client);
  const producer = kafka.producer({
    transactionalId: `copier-${group}`,
    idempotent: true,
    maxInFlightRequests: 1,
    transactionTimeout: 5_000,
  });
  await producer.connect();
  const consumer = kafka.consumer({
    groupId: group,
    sessionTimeout: 6_000,
    retry: { retries: 1_000, initialRetryTime: 50, maxRetryTime: 200 },
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [from], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ partition, message }) => {
      const id = String(message.value);
      onCopy(id, message.offset);
      const transaction = await producer.transaction();
      try {
        await transaction.send({ topic: to, messages: [{ value: message.value, partition: 0 }] });
        await at('sent', id);
        const offset = (BigInt(message.offset) + 1n).toString();
        await transaction.sendOffsets({
          consumerGroupId: group,
          topics: [{ topic: from, partitions: [{ partition, offset }] }],
        });
        await at('offsets', id);
        await transaction.commit();
      } catch (error) {
        await transaction.abort().catch(() => {}); // It may be over, or the producer fenced.
        throw error;
      }
      await at('committed', id);
    },
  });
  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    await consumer.disconnect();
    await producer.disconnect();
  };
  return { consumer, stop };
}
