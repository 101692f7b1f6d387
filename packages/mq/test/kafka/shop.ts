import { randomBytes } from 'node:crypto';
import { activeColor, type Directory, type MqHandover } from '@colorway/core';
import { coloredKafka } from '@colorway/mq/kafka';
import { type ColoringService, createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import {
  type Consumer,
  type ConsumerConfig,
  type ConsumerRunConfig,
  Kafka,
  logLevel,
  type Producer,
} from 'kafkajs';
import { bearWitness, until } from './until.js';

export { pause, until, untilThere } from './until.js';

/** One handled message, as a handler saw it. */
export interface Handled {
  /** Who handled it: the name that the consumer was started with. */
  readonly by: string;
  readonly id: string;
  readonly partition: number;
  readonly offset: string;
  /** The color that was active in the handler. */
  readonly color: string | undefined;
  readonly at: number;
}

export interface StartOptions {
  readonly color?: string;
  readonly topics?: (string | RegExp)[];
  readonly fromBeginning?: boolean;
  readonly config?: Partial<ConsumerConfig>;
  readonly run?: ConsumerRunConfig;
  readonly delayMs?: number;
}

export interface Running {
  readonly coloring: ColoringService;
  readonly consumer: Consumer;
  stop(): Promise<void>;
}

let made = 0;
let sent = 0;

/** A topic and a group of their own, a directory, and all that is started on them; `close` ends everything. */
export class Shop {
  readonly topic: string;
  readonly group: string;
  readonly directory: Directory;
  readonly handled: Handled[] = [];
  readonly brokers: string[];
  readonly #kafka: Kafka;
  readonly #makeClient: (() => Kafka) | undefined;
  readonly #closers: (() => Promise<unknown>)[] = [];
  readonly #colorings: ColoringService[] = [];
  readonly #forget: () => void;
  #producer: Producer | undefined;

  /** @param makeClient for another client than one of `brokers`. */
  constructor(brokers: string[], directory: Directory = memoryDirectory(), makeClient?: () => Kafka) {
    this.#makeClient = makeClient;
    const unique = `${++made}-${randomBytes(3).toString('hex')}`;
    this.brokers = brokers;
    this.topic = `orders-${unique}`;
    this.group = `GID_${unique}`;
    this.directory = directory;
    this.#kafka = this.client();
    this.#forget = bearWitness({ directory, colorings: this.#colorings });
  }

  client(): Kafka {
    if (this.#makeClient !== undefined) return this.#makeClient();
    return new Kafka({ brokers: this.brokers, logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50 } });
  }

  coloring(color = ''): ColoringService {
    const coloring = createColoring({
      service: 'stock',
      color,
      directory: this.directory,
      closing: { noticeMs: 0 },
    });
    this.#colorings.push(coloring);
    this.onClose(() => coloring.close());
    return coloring;
  }

  onClose(close: () => Promise<unknown>): void {
    this.#closers.unshift(close);
  }

  async createTopic(partitions = 1, topic = this.topic): Promise<void> {
    const admin = this.#kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: partitions }], waitForLeaders: false });
    const ready = async (): Promise<boolean> => (await admin.fetchTopicOffsets(topic)).length === partitions;
    await until('the topic is there', () => ready().catch(() => false));
    await admin.disconnect();
  }

  async admin<T>(ask: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      return await ask(admin);
    } finally {
      await admin.disconnect();
    }
  }

  async producer(): Promise<Producer> {
    if (this.#producer !== undefined) return this.#producer;
    const producer = this.#kafka.producer({ idempotent: true, maxInFlightRequests: 1 }); // No copy from a retry.
    await producer.connect();
    this.onClose(() => producer.disconnect());
    this.#producer = producer;
    return producer;
  }

  /** Sends messages with ids, all in one color, round the partitions; returns the ids. */
  async send(
    count: number,
    color?: string,
    options: { partition?: number; topic?: string } = {},
  ): Promise<string[]> {
    const { topic = this.topic } = options;
    const producer = await this.producer();
    const headers = color === undefined ? {} : { DMQ_ENV_TAG: color };
    const ids = Array.from({ length: count }, () => `${color ?? '-'}/${sent++}`);
    const messages = ids.map((id) => ({
      value: id,
      headers,
      ...(options.partition !== undefined && { partition: options.partition }),
    }));
    await producer.send({ topic, messages });
    return ids;
  }

  async start(by: string, options: StartOptions = {}): Promise<Running> {
    const { color, topics = [this.topic], fromBeginning = true, config, run, delayMs } = options;
    const coloring = this.coloring(color);
    if (color !== undefined) await coloring.environments.ensure(color, { owner: 'test' });
    const consumer = coloredKafka(coloring, this.client()).consumer({ groupId: this.group, ...config });
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning });
    let stopped = false;
    const stop = async (): Promise<void> => {
      if (stopped) return;
      stopped = true;
      await consumer.disconnect();
    };
    this.onClose(stop);
    await consumer.run(
      run ?? {
        eachMessage: async ({ partition, message }) => {
          if (delayMs !== undefined) await new Promise((resolve) => setTimeout(resolve, delayMs));
          this.note(by, partition, message);
        },
      },
    );
    return { coloring, consumer, stop };
  }

  note(by: string, partition: number, message: { offset: string; value: Buffer | null }): void {
    const { offset, value } = message;
    this.handled.push({
      by,
      id: String(value),
      partition,
      offset,
      color: activeColor(),
      at: performance.now(),
    });
  }

  ids(by?: string): string[] {
    return this.handled.filter((one) => by === undefined || one.by === by).map(({ id }) => id);
  }

  /** Everything that is wrong with what was handled of these messages: lost ones, and those handled again. */
  faults(ids: readonly string[]): string[] {
    const times = new Map<string, Handled[]>(ids.map((id) => [id, []]));
    for (const one of this.handled) times.get(one.id)?.push(one);
    const faults: string[] = [];
    for (const [id, all] of times) {
      if (all.length === 0) faults.push(`lost: ${id}`);
      if (all.length > 1)
        faults.push(
          `handled twice: ${id} at ${all[0]?.partition}/${all[0]?.offset} by ${all.map(({ by }) => by).join(', ')}`,
        );
      const wrong = all.find(({ color }) => (color ?? '-') !== id.split('/')[0]);
      if (wrong !== undefined) faults.push(`in color ${wrong.color}: ${id}`);
    }
    return faults;
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close();
    this.#forget();
  }
}

/**
 * How far a color is in the one topic that is read, as this process knows; `absent` also once nothing stands of it: its
 * entry is deleted as soon as the baseline has read past all that it had, which may be sooner than a test can look.
 */
export function handoverState({ mq }: Pick<ColoringService, 'mq'>, color = 'red'): string {
  return mq.status().handovers.find((one) => one.color === color)?.state ?? 'absent';
}

/** States of a color, with its epochs in a topic counted from 1 as they were seen; `absent` once it is gone. */
export class EpochCount {
  readonly #seen = new Map<string, number[]>();

  of(handover: Pick<MqHandover, 'state' | 'epoch' | 'topic'> | undefined): string {
    if (handover?.epoch === undefined || handover.state === 'absent') return 'absent';
    const { state, epoch, topic = '' } = handover;
    const seen = this.#seen.get(topic) ?? [];
    if (!seen.includes(epoch)) seen.push(epoch);
    this.#seen.set(topic, seen);
    return `${state} ${seen.indexOf(epoch) + 1}`;
  }
}
