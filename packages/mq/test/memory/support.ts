import type {
  MemoryBroker,
  MemoryConsumer,
  MemoryConsumerConfig,
  MemoryRunConfig,
} from '@colorway/mq/memory';

const cleanUps: (() => Promise<unknown> | unknown)[] = [];

export function cleanUp(task: () => Promise<unknown> | unknown): void {
  cleanUps.push(task);
}

export async function cleanUpAll(): Promise<void> {
  for (const task of cleanUps.splice(0).reverse()) await task();
}

export async function until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 30_000; performance.now() < end; ) {
    if (await check()) return;
    await pause(5);
  }
  throw new Error(`It was waited 30 s in vain for: ${what}.`);
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends values to a topic, each as `partition:value` or as value alone. */
export async function send(broker: MemoryBroker, topic: string, ...values: string[]): Promise<void> {
  const producer = broker.producer();
  await producer.connect();
  await producer.send({
    topic,
    messages: values.map((text) => {
      const [, partition, value] = /^(?:(\d+):)?(.*)$/.exec(text) as RegExpExecArray;
      return { value: value as string, ...(partition !== undefined && { partition: Number(partition) }) };
    }),
  });
}

export interface Started {
  readonly consumer: MemoryConsumer;
  /** The values, in the order in which they were handled. */
  readonly handled: string[];
}

/** A consumer that reads the topics from their beginning; `run` replaces the handler that notes the values. */
export async function consume(
  broker: MemoryBroker,
  topics: (string | RegExp)[],
  options: { config?: Partial<MemoryConsumerConfig>; run?: MemoryRunConfig; fromBeginning?: boolean } = {},
): Promise<Started> {
  const { config, run, fromBeginning = true } = options;
  const handled: string[] = [];
  const consumer = broker.consumer({ groupId: 'GID_order', ...config });
  cleanUp(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topics, fromBeginning });
  const eachMessage: MemoryRunConfig['eachMessage'] = async ({ message }) => {
    handled.push(String(message.value));
  };
  await consumer.run(run ?? { eachMessage });
  return { consumer, handled };
}

/** The partitions of the last assignment that this consumer was told of. */
export function assignments(consumer: MemoryConsumer): {
  now: Record<string, number[]>;
  generations: number[];
} {
  const told: { now: Record<string, number[]>; generations: number[] } = { now: {}, generations: [] };
  consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
    told.now = (payload as { memberAssignment: Record<string, number[]> }).memberAssignment;
  });
  consumer.on(consumer.events.HEARTBEAT, ({ payload }) => {
    told.generations.push((payload as { groupGenerationId: number }).groupGenerationId);
  });
  return told;
}
