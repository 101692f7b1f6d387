import { quote } from '@colorway/core';
import type { OffsetsLike, TopicPartitionOffset, TopicPartitionsLike } from '../../kafka/client-types.js';
import type { BrokerPort } from '../broker/broker-port.js';
import { type Assigning, assigningFor } from './assigning.js';
import { ConsumerRun } from './consumer-run.js';
import { groupDescription } from './describe-group.js';
import { CONSUMER_EVENTS, type ConsumerEventName, Events, type MemoryEventListener } from './events.js';
import { quietLogger } from './quiet-logger.js';
import type {
  MemoryConsumer,
  MemoryConsumerConfig,
  MemoryGroupDescription,
  MemoryRunConfig,
} from './types.js';
import { isRetriable, usageError } from './usage-error.js';

export class Consumer implements MemoryConsumer {
  readonly events = CONSUMER_EVENTS;
  readonly #port: BrokerPort;
  readonly #config: MemoryConsumerConfig;
  readonly #assigning: Assigning;
  readonly #events = new Events();
  readonly #topics = new Map<string, { readonly fromBeginning: boolean }>();
  #run: ConsumerRun | undefined;
  #stopping: Promise<void> | undefined;
  #restart: NodeJS.Timeout | undefined;

  constructor(port: BrokerPort, config: MemoryConsumerConfig) {
    const { groupId, heartbeatInterval = 3_000, sessionTimeout = 30_000 } = config;
    if (typeof groupId !== 'string' || groupId === '') {
      throw usageError('Consumer groupId must be a non-empty string.');
    }
    if (heartbeatInterval >= sessionTimeout) {
      throw usageError(
        `Consumer heartbeatInterval (${heartbeatInterval}) must be lower than sessionTimeout (${sessionTimeout}): a third of it is good.`,
      );
    }
    this.#port = port;
    this.#config = config;
    this.#assigning = assigningFor(port, config);
  }

  async connect(): Promise<void> {
    await this.#port.topics();
    this.#events.emit(CONSUMER_EVENTS.CONNECT);
  }

  async disconnect(): Promise<void> {
    await this.stop();
    this.#events.emit(CONSUMER_EVENTS.DISCONNECT);
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop().finally(() => {
      this.#stopping = undefined;
    });
    return this.#stopping;
  }

  async kill(): Promise<void> {
    clearTimeout(this.#restart);
    const run = this.#run;
    this.#run = undefined;
    if (run === undefined) return;
    const killed = run.kill();
    this.#events.emit(CONSUMER_EVENTS.CRASH, {
      error: usageError('The consumer was killed.'),
      groupId: this.#config.groupId,
      restart: false,
    });
    await killed;
  }

  async subscribe({
    topic,
    topics,
    fromBeginning = false,
  }: Parameters<MemoryConsumer['subscribe']>[0]): Promise<void> {
    if (this.#run !== undefined) throw usageError('Cannot subscribe to topic while consumer is running.');
    const wanted = topics ?? (topic === undefined ? undefined : [topic]);
    if (wanted === undefined) throw usageError('Missing required argument "topics".');
    const names: string[] = [];
    for (const one of wanted) {
      if (typeof one === 'string') names.push(one);
      else if (one instanceof RegExp)
        names.push(...(await this.#port.topics()).filter((name) => one.test(name)));
      else throw usageError(`Invalid topic ${quote(one)}: the topic name has to be a string or a RegExp.`);
    }
    await this.#port.partitionCounts(names, true);
    for (const name of names) this.#topics.set(name, { fromBeginning });
  }

  async run(config: MemoryRunConfig = {}): Promise<void> {
    if (this.#run === undefined) await this.#start(config);
  }

  async commitOffsets(offsets: (TopicPartitionOffset & { metadata?: string | null })[] = []): Promise<void> {
    const topics: OffsetsLike['topics'] = offsets.map(({ topic, partition, offset, metadata = null }) => {
      check(topic, partition, offset);
      return { topic, partitions: [{ partition, offset, metadata }] };
    });
    await this.#running().positions.commit(topics.length === 0 ? undefined : { topics });
  }

  seek({ topic, partition, offset }: TopicPartitionOffset): void {
    check(topic, partition, offset, -2);
    this.#running().seek({ topic, partition }, Number(offset));
  }

  pause(topics: readonly TopicPartitionsLike[] = []): void {
    this.#running().paused.pause(checked(topics));
  }

  resume(topics: readonly TopicPartitionsLike[] = []): void {
    this.#running().paused.resume(checked(topics));
    this.#running().wake();
  }

  paused(): { topic: string; partitions: number[] }[] {
    const topics = new Map<string, number[]>();
    for (const { topic, partition } of this.#run?.positions.partitions() ?? []) {
      if (!this.#run?.paused.has(topic, partition)) continue;
      topics.set(topic, [...(topics.get(topic) ?? []), partition]);
    }
    return Array.from(topics, ([topic, partitions]) => ({ topic, partitions }));
  }

  async describeGroup(): Promise<MemoryGroupDescription> {
    return groupDescription(await this.#port.describeGroup(this.#config.groupId));
  }

  on<Payload>(event: ConsumerEventName, listener: MemoryEventListener<Payload>): () => void {
    if (!Object.values(CONSUMER_EVENTS).includes(event)) {
      throw usageError(`There is no event ${quote(event)}. Event names are in consumer.events.`);
    }
    return this.#events.on(event, listener);
  }

  logger(): typeof quietLogger {
    return quietLogger;
  }

  async #start(run: MemoryRunConfig): Promise<void> {
    const started = new ConsumerRun({
      port: this.#port,
      config: this.#config,
      run,
      assigning: this.#assigning,
      topics: this.#topics,
      events: this.#events,
      onCrash: (error) => void this.#crashed(error, run),
    });
    this.#run = started;
    await started.start();
  }

  async #stop(): Promise<void> {
    clearTimeout(this.#restart);
    const run = this.#run;
    if (run === undefined) return;
    await run.stop();
    // Unless it was killed meanwhile.
    if (this.#run !== run) return;
    this.#run = undefined;
    this.#events.emit(CONSUMER_EVENTS.STOP);
  }

  /** As KafkaJS: it leaves, says so, and starts again where that can help. */
  async #crashed(error: Error, run: MemoryRunConfig): Promise<void> {
    await this.disconnect();
    const { restartOnFailure, initialRetryTime = 50 } = this.#config.retry ?? {};
    const restart =
      isRetriable(error) &&
      (restartOnFailure === undefined || (await restartOnFailure(error).catch(() => true)));
    this.#events.emit(CONSUMER_EVENTS.CRASH, { error, groupId: this.#config.groupId, restart });
    if (!restart) return;
    this.#restart = setTimeout(() => {
      if (this.#run === undefined) void this.#start(run);
    }, initialRetryTime);
  }

  #running(): ConsumerRun {
    if (this.#run !== undefined) return this.#run;
    throw usageError('Consumer group was not initialized, consumer#run must be called first.');
  }
}

function check(topic: string, partition: number, offset: string, least = 0): void {
  if (!topic) throw usageError(`Invalid topic ${quote(topic)}.`);
  if (!Number.isInteger(Number(partition))) {
    throw usageError(`Invalid partition, expected a number received ${quote(partition)}.`);
  }
  const number = Number(offset);
  if (!Number.isSafeInteger(number) || number < least) throw usageError(`Invalid offset ${quote(offset)}.`);
}

function checked(topics: readonly TopicPartitionsLike[]): readonly TopicPartitionsLike[] {
  for (const one of topics) {
    if (!one?.topic) throw usageError(`Invalid topic ${quote(one?.topic)}.`);
    if (one.partitions !== undefined && !one.partitions.every(Number.isInteger)) {
      throw usageError(`Array of valid partitions required instead of ${quote(one.partitions)}.`);
    }
  }
  return topics;
}
