import type { Directory, StateStore } from '@colorway/core';
import type { Logger } from '@colorway/core/background';
import { coloredKafka } from '@colorway/mq/kafka';
import {
  type MemoryAdmin,
  type MemoryBroker,
  type MemoryConsumer,
  type MemoryRunConfig,
  memoryBroker,
} from '@colorway/mq/memory';
import { type ColoringService, createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { until } from './shop.js';

export interface MemoryStart {
  readonly color?: string;
  readonly topics?: string[];
  readonly run?: MemoryRunConfig;
  /** The service, of which the membership is. Default `stock`. */
  readonly service?: string;
  readonly group?: string;
  /** Returns before the consumer runs: the test calls `run`. */
  readonly idle?: boolean;
  /** Default true. */
  readonly fromBeginning?: boolean;
  readonly retry?: { readonly restartOnFailure: (error: Error) => Promise<boolean> };
}

export interface MemoryRunning {
  readonly coloring: ColoringService;
  readonly consumer: MemoryConsumer;
  /** Runs it with the handlers that it was given. */
  readonly run: () => Promise<void>;
}

/** What was asked of the directory and of the broker's admin, by call. */
export type Requests = Record<string, number>;

/** A group and topics on a memory broker, and a directory: each call to directory and admin is counted, and may be held. */
export class MemoryShop {
  readonly topic = 'orders';
  readonly group: string;
  readonly broker: MemoryBroker;
  readonly directory: Directory;
  readonly state: StateStore;
  /** For what the test itself reads. */
  readonly uncounted: StateStore;
  readonly handled: { readonly by: string; readonly id: string }[] = [];
  readonly requests: Requests = {};
  /** Entries that the counted lists gave. */
  listed = 0;
  /**
   * Called before each counted request; what it returns is awaited, and it may throw. `by`: the color of who asks the
   * directory, '' for the baseline.
   */
  onRequest: (call: string, subject: string, by: string) => Promise<void> | void = () => {};
  /** Called with each consumer that is made, hidden ones too. */
  intercept: (consumer: MemoryConsumer, groupId: string) => void = () => {};
  openAdmins = 0;
  /** Of colorings that are made from here on. Default: process warnings. */
  logger: Logger | undefined;
  readonly #closers: (() => Promise<unknown>)[] = [];
  #sent = 0;

  constructor({
    directory: inner = memoryDirectory(),
    group = 'GID_order',
    partitions = 2,
  }: { directory?: Directory; group?: string; partitions?: number } = {}) {
    this.group = group;
    this.broker = memoryBroker({ partitions });
    const { state } = inner;
    if (state === undefined) throw new Error('no state');
    this.uncounted = state;
    this.state = this.#counted('');
    this.directory = { instances: inner.instances, state: this.state, close: () => inner.close() };
    this.onClose(async () => {
      await this.broker.close();
      await inner.close();
    });
  }

  onClose(close: () => Promise<unknown>): void {
    this.#closers.unshift(close);
  }

  /** The broker's client, whose admin is counted. */
  client(): MemoryBroker {
    return {
      ...this.broker,
      admin: () => this.#countedAdmin(),
      consumer: (config) => {
        const consumer = this.broker.consumer(config);
        this.intercept(consumer, config.groupId);
        return consumer;
      },
    };
  }

  coloring(color = '', service = 'stock'): ColoringService {
    // One directory for all: only the shop closes it.
    const { instances } = this.directory;
    const directory: Directory = { instances, state: this.#counted(color), close: async () => {} };
    const coloring = createColoring({
      ...{ service, color, directory, closing: { noticeMs: 0 } },
      ...(this.logger && { logger: this.logger }),
    });
    this.onClose(() => coloring.close());
    return coloring;
  }

  async start(by: string, options: MemoryStart = {}): Promise<MemoryRunning> {
    const { color, topics = [this.topic], run, service, group = this.group, idle = false } = options;
    const { fromBeginning = true, retry } = options;
    const coloring = this.coloring(color, service);
    if (color !== undefined) await coloring.environments.ensure(color, { owner: 'test' });
    const consumer = coloredKafka(coloring, this.client()).consumer({
      groupId: group,
      ...(retry && { retry }),
    });
    await consumer.connect();
    await consumer.subscribe({ topics, fromBeginning });
    this.onClose(() => consumer.disconnect());
    const handlers: MemoryRunConfig = run ?? {
      eachMessage: async ({ message }) => void this.handled.push({ by, id: String(message.value) }),
    };
    const begin = (): Promise<void> => consumer.run(handlers);
    if (!idle) await begin();
    return { coloring, consumer, run: begin };
  }

  async send(count: number, color?: string, topic = this.topic): Promise<string[]> {
    const producer = this.broker.producer();
    await producer.connect();
    const headers = color === undefined ? {} : { DMQ_ENV_TAG: color };
    const ids = Array.from({ length: count }, () => `${color ?? '-'}/${this.#sent++}`);
    const messages = ids.map((value, at) => ({ value, headers, partition: at % 2 }));
    await producer.send({ topic, messages });
    await producer.disconnect();
    return ids;
  }

  /** How the hand-over of a color stands, read from the directory; `gone` where it is over, or never began. */
  async handover(color: string, topic = this.topic): Promise<string> {
    const entry = await this.uncounted.get(`mq/${this.group}/${topic}/${color}`);
    if (entry === undefined) return 'gone';
    const { state: kind } = JSON.parse(entry.value) as { state: string };
    return kind === 'absent' ? 'gone' : kind;
  }

  untilHandover(color: string, wanted: string, timeoutMs?: number): Promise<void> {
    return until(`${color} is ${wanted}`, async () => (await this.handover(color)) === wanted, timeoutMs);
  }

  /** So many members the group has at the broker. */
  async members(group = this.group): Promise<number> {
    const { groups } = await this.broker.admin().describeGroups([group]);
    return groups[0]?.members.length ?? 0;
  }

  /** What is asked in the given time, all calls together, and by call. */
  async countRequests(ms: number): Promise<{ total: number; by: Requests }> {
    const before = { ...this.requests };
    await new Promise((resolve) => setTimeout(resolve, ms));
    const by: Requests = {};
    let total = 0;
    for (const [call, count] of Object.entries(this.requests)) {
      const more = count - (before[call] ?? 0);
      if (more > 0) by[call] = more;
      total += more;
    }
    return { total, by };
  }

  async close(): Promise<void> {
    this.onRequest = () => {};
    for (const close of this.#closers.splice(0)) await close();
  }

  #counted(by: string): StateStore {
    const { uncounted: state } = this;
    const counted = async <T>(call: string, subject: string, ask: () => Promise<T>): Promise<T> => {
      this.requests[call] = (this.requests[call] ?? 0) + 1;
      await this.onRequest(call, subject, by);
      return ask();
    };
    return {
      get: (key) => counted('get', key, () => state.get(key)),
      list: (prefix) =>
        counted('list', prefix, async () => {
          const entries = await state.list(prefix);
          this.listed += entries.length;
          return entries;
        }),
      create: (key, value) => counted('create', key, () => state.create(key, value)),
      compareAndSet: (key, value, version) =>
        counted('compareAndSet', key, () => state.compareAndSet(key, value, version)),
      compareAndDelete: (key, version) =>
        counted('compareAndDelete', key, () => state.compareAndDelete(key, version)),
      watch: (prefix, observer) => state.watch(prefix, observer),
    };
  }

  #countedAdmin(): MemoryAdmin {
    const admin = this.broker.admin();
    let open = false;
    return new Proxy(admin, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function' || typeof name !== 'string') return value;
        const call = value as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]): Promise<unknown> => {
          if (name === 'disconnect') {
            if (open) this.openAdmins--;
            open = false;
            return call.apply(target, args);
          }
          if (name === 'connect') {
            if (!open) this.openAdmins++;
            open = true;
          } else this.requests[`admin.${name}`] = (this.requests[`admin.${name}`] ?? 0) + 1;
          await this.onRequest(`admin.${name}`, JSON.stringify(args[0] ?? ''), '');
          return call.apply(target, args);
        };
      },
    });
  }
}
