import { setTimeout as sleep } from 'node:timers/promises';
import { Deferred } from '@colorway/core/background';
import { errorType, isRebalancing } from '../broker/broker-error.js';
import type { BrokerPort, FetchedPartition, FetchResult, TopicPartition } from '../broker/broker-port.js';
import type { Assigning } from './assigning.js';
import { batchOf } from './batch.js';
import { CONSUMER_EVENTS, type Events } from './events.js';
import { handleBatch } from './handle-batch.js';
import { Membership } from './membership.js';
import { PausedTopics } from './paused-topics.js';
import { Positions } from './positions.js';
import type { MemoryBatch, MemoryConsumerConfig, MemoryRunConfig } from './types.js';
import { isRetriable } from './usage-error.js';

const MAX_RETRY_MS = 1_000;

export interface ConsumerRunOptions {
  readonly port: BrokerPort;
  readonly config: MemoryConsumerConfig;
  readonly run: MemoryRunConfig;
  readonly assigning: Assigning;
  readonly topics: ReadonlyMap<string, { readonly fromBeginning: boolean }>;
  readonly events: Events;
  readonly onCrash: (error: Error) => void;
}

/** A consumer from its start to its stop: it joins, fetches, hands over batches, and joins again when it must. */
export class ConsumerRun {
  readonly paused = new PausedTopics();
  readonly positions: Positions;
  readonly #options: ConsumerRunOptions;
  readonly #membership: Membership;
  #running = true;
  #wake = new Deferred<undefined>();
  #ended: Promise<void> = Promise.resolve();
  /** While it runs the process stays alive, as with a connection to a real broker. */
  readonly #alive = setInterval(() => {}, 2 ** 30);

  constructor(options: ConsumerRunOptions) {
    this.#options = options;
    const { port, config, run, assigning, topics, events } = options;
    this.#membership = new Membership(port, config, assigning, [...topics.keys()], events);
    const fromBeginning = (topic: string): boolean => topics.get(topic)?.fromBeginning ?? false;
    this.positions = new Positions({ port, events, run, fromBeginning });
  }

  get isRunning(): boolean {
    return this.#running;
  }

  get member(): { readonly groupId: string; readonly memberId: string } {
    return this.#membership.member;
  }

  /** Resolves when it has joined for the first time, or given up. */
  start(): Promise<void> {
    const joined = new Deferred<undefined>();
    this.#ended = this.#live(() => joined.resolve(undefined)).finally(() => {
      this.#end();
      joined.resolve(undefined);
    });
    return joined.promise;
  }

  /** After the message in hand, commits, and leaves the group. */
  async stop(): Promise<void> {
    this.#end();
    await this.#ended;
    await this.#membership.leave().catch(() => {});
  }

  /** Ends it at once: the broker refuses whatever the handler in hand still does. */
  async kill(): Promise<void> {
    this.#end();
    await this.#membership.leave().catch(() => {});
  }

  /** What it waits for may have changed. */
  wake(): void {
    this.#wake.resolve(undefined);
  }

  seek({ topic, partition }: TopicPartition, offset: number): void {
    this.positions.seek(topic, partition, offset);
    this.wake();
  }

  #end(): void {
    this.#running = false;
    clearInterval(this.#alive);
    this.wake();
  }

  async #live(joined: () => void): Promise<void> {
    const { retries = 5, initialRetryTime = 50 } = this.#options.config.retry ?? {};
    let failures = 0;
    let mustJoin = true;
    while (this.#running) {
      try {
        if (mustJoin) {
          await this.#join();
          mustJoin = false;
          joined();
        }
        await this.#round();
        failures = 0;
      } catch (error) {
        if (!this.#running) return;
        if (isRebalancing(error) || errorType(error) === 'UNKNOWN_MEMBER_ID') {
          mustJoin = true;
          this.#rebalancing(error);
          continue;
        }
        if (!isRetriable(error) || failures >= retries) return this.#options.onCrash(toError(error));
        await this.#pause(Math.min(initialRetryTime * 2 ** failures++, MAX_RETRY_MS));
      }
    }
  }

  async #join(): Promise<void> {
    // A stop does not wait for the other members; it tells the broker that this one leaves.
    const assignment = await this.#unlessStopped(this.#membership.join());
    if (assignment !== undefined) this.positions.assign(this.#membership.member, assignment);
  }

  #rebalancing(error: unknown): void {
    const { groupId, memberId } = this.#membership.member;
    if (errorType(error) === 'UNKNOWN_MEMBER_ID') this.#membership.forget();
    else this.#options.events.emit(CONSUMER_EVENTS.REBALANCING, { groupId, memberId });
  }

  /** One fetch, and all that it brought. */
  async #round(): Promise<void> {
    if (!this.#running) return;
    // Before anything is looked at: what changes from here on ends the fetch.
    this.#wake = new Deferred<undefined>();
    const { events, topics } = this.#options;
    if (await this.#membership.cluster.hasGrown([...topics.keys()])) return this.#join();
    await this.positions.prepare();
    const started = Date.now();
    events.emit(CONSUMER_EVENTS.FETCH_START, { nodeId: '0' });
    const fetched = await this.#fetch();
    events.emit(CONSUMER_EVENTS.FETCH, { numberOfBatches: 0, duration: Date.now() - started, nodeId: '0' });
    const wanted = fetched.filter(
      ({ topic, partition }) =>
        !this.positions.isSought(topic, partition) && !this.paused.has(topic, partition),
    );
    if (wanted.length === 0) await this.#heartbeat();
    else await this.#handleAll(wanted.map(batchOf));
  }

  async #fetch(): Promise<readonly FetchedPartition[]> {
    const { port, config } = this.#options;
    const { maxBytesPerPartition = 1_048_576, maxWaitTimeInMs = 5_000 } = config;
    const open = this.positions
      .readable()
      .filter(({ topic, partition }) => !this.paused.has(topic, partition));
    const fetching = port.fetch({
      partitions: open.map((one) => ({ ...one, maxBytes: maxBytesPerPartition })),
      maxWaitMs: this.#membership.isHeartbeatDue ? 0 : maxWaitTimeInMs,
      member: this.#membership.member,
    });
    let result: FetchResult | undefined;
    try {
      result = await this.#unlessWoken(fetching);
    } catch (error) {
      if (errorType(error) !== 'OFFSET_OUT_OF_RANGE') throw error;
      for (const one of await this.#outOfRange(open)) await this.positions.reset(one);
    }
    if (result?.rejoin) this.#membership.hurry();
    return result?.partitions ?? [];
  }

  async #outOfRange<T extends TopicPartition & { readonly offset: number }>(
    open: readonly T[],
  ): Promise<T[]> {
    const out: T[] = [];
    for (const one of open) {
      const end = (await this.#options.port.ends(one.topic))[one.partition];
      if (end !== undefined && (one.offset > end.high || one.offset < end.low)) out.push(one);
    }
    return out;
  }

  /** So many at once as the run says; all come to their end before the first failure is told. */
  async #handleAll(batches: readonly MemoryBatch[]): Promise<void> {
    const queue = [...batches];
    const failures: unknown[] = [];
    const worker = async (): Promise<void> => {
      for (let batch = queue.shift(); batch !== undefined; batch = queue.shift()) {
        if (!this.#running) return;
        await this.#handle(batch).catch((error: unknown) => failures.push(error));
      }
    };
    const { partitionsConsumedConcurrently = 1 } = this.#options.run;
    await Promise.all(Array.from({ length: partitionsConsumedConcurrently }, worker));
    if (failures.length > 0) throw failures[0];
  }

  async #handle(batch: MemoryBatch): Promise<void> {
    const { events, run } = this.#options;
    const started = Date.now();
    const payload = {
      topic: batch.topic,
      partition: batch.partition,
      highWatermark: batch.highWatermark,
      offsetLag: batch.offsetLag(),
      offsetLagLow: batch.offsetLagLow(),
      batchSize: batch.messages.length,
      firstOffset: batch.firstOffset(),
      lastOffset: batch.lastOffset(),
    };
    events.emit(CONSUMER_EVENTS.START_BATCH_PROCESS, payload);
    await handleBatch(
      {
        run,
        positions: this.positions,
        paused: this.paused,
        isRunning: () => this.#running,
        heartbeat: () => this.#heartbeat(),
        resumed: () => this.wake(),
      },
      batch,
    );
    events.emit(CONSUMER_EVENTS.END_BATCH_PROCESS, { ...payload, duration: Date.now() - started });
  }

  async #heartbeat(): Promise<void> {
    try {
      await this.#membership.heartbeat();
    } catch (error) {
      if (isRebalancing(error) && this.#options.run.autoCommit !== false) await this.positions.commit();
      throw error;
    }
  }

  async #pause(ms: number): Promise<void> {
    this.#wake = new Deferred<undefined>();
    await this.#unlessWoken(sleep(ms, undefined, { ref: false }));
  }

  async #unlessWoken<T>(work: Promise<T>): Promise<T | undefined> {
    return this.#running ? Promise.race([work, this.#wake.promise]) : undefined;
  }

  async #unlessStopped<T>(work: Promise<T>): Promise<T | undefined> {
    let result: T | undefined;
    const done = work.then((value) => {
      result = value;
      return true;
    });
    while (this.#running && result === undefined) {
      this.#wake = new Deferred<undefined>();
      if (!this.#running) break;
      await Promise.race([done, this.#wake.promise]);
    }
    return this.#running ? result : undefined;
  }
}

function toError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
