import { Deferred } from '@colorway/core/background';
import type { ConsumerClient, RunConfig } from '../client-types.js';

export interface Crash {
  readonly error: unknown;
  /** The client comes back by itself. */
  readonly restart: boolean;
}

/**
 * The client's consumer, which can be stopped at any moment.
 *
 * KafkaJS (2.2.4) cannot: `stop()` returns at once while it joins its group, at the start and after a crash, and
 * forgets that; what it had begun then runs on, and nobody can end it. So a stop waits until the client has joined
 * or failed. A client that waits for its restart has no group yet, and is stopped at once.
 */
export class ClientConsumer {
  readonly consumer: ConsumerClient;
  /** Told of each crash. */
  onCrash: (crash: Crash) => void = () => {};
  #joining: Deferred | undefined;
  #ended = false;

  constructor(consumer: ConsumerClient) {
    this.consumer = consumer;
    const { GROUP_JOIN, CRASH } = consumer.events;
    // A turn later the client knows itself that it runs.
    consumer.on(GROUP_JOIN as never, () => void setImmediate(() => this.#joined()));
    consumer.on(CRASH as never, ({ payload }) => this.#crashed(payload as Crash));
  }

  /** Resolves as the client's: when it has joined, or has crashed. */
  async run(config: RunConfig): Promise<void> {
    this.#ended = false;
    this.#joining = new Deferred();
    try {
      await this.consumer.run(config);
    } finally {
      this.#joined();
    }
  }

  /** No handler runs after that. */
  async stop(): Promise<void> {
    this.#ended = true;
    while (this.#joining !== undefined && this.#hasBegun) await this.#joining.promise;
    await this.consumer.stop();
  }

  async disconnect(): Promise<void> {
    await this.stop();
    await this.consumer.disconnect();
  }

  #joined(): void {
    this.#joining?.resolve();
    this.#joining = undefined;
  }

  #crashed(crash: Crash): void {
    this.#joined();
    if (crash.restart && this.#ended) {
      // It crashed while it was stopped. Its timer stands after this event.
      setImmediate(() => void this.consumer.stop().catch(() => {})); // It has nothing left but the timer.
    } else if (crash.restart) this.#joining = new Deferred();
    this.onCrash(crash);
  }

  /** A client without a group refuses to pause, even nothing. */
  get #hasBegun(): boolean {
    try {
      this.consumer.pause([]);
      return true;
    } catch {
      return false; // This is its answer.
    }
  }
}
