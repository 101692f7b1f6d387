import { backoffMs, Deferred } from '@colorway/core/background';
import { causesOf } from '../causes.js';
import type { ConsumerClient, RunConfig } from '../client-types.js';

export interface Crash {
  readonly error: unknown;
  /** The client comes back by itself. */
  readonly restart: boolean;
}

/**
 * What KafkaJS (2.2.4) gives up for, and what is over when the brokers are back: all that it knew broke off while it asked
 * who coordinates the group, or let it wait too long for its own connection.
 */
const PASSING = ['KafkaJSGroupCoordinatorNotFound', 'KafkaJSLockTimeout'];

/** Between an attempt and the next one, in milliseconds. */
const FIRST_MS = 1_000;
const MOST_MS = 30_000;

/**
 * The client's consumer, which can be stopped at any moment, and comes back where its brokers were gone for a while.
 *
 * KafkaJS (2.2.4) cannot: `stop()` returns at once while it joins its group, at the start and after a crash, and
 * forgets that; what it had begun then runs on, and nobody can end it. So a stop waits until the client has joined
 * or failed. A client that waits for its restart has no group yet, and is stopped at once.
 */
export class ClientConsumer {
  readonly consumer: ConsumerClient;
  /** Told of each crash. */
  onCrash: (crash: Crash) => void = () => {};
  /** Told of each crash after which it comes back where the client itself does not. */
  onComeBack: (error: unknown) => void = () => {};
  /** Told each time that it has become a member of its group. */
  onJoin: () => void = () => {};
  readonly #mayComeBack: (error: Error) => Promise<boolean>;
  #config: RunConfig = {};
  #joining: Deferred | undefined;
  #ended = false;
  /** Attempts to come back since it was a member last. */
  #attempts = 0;
  #again: NodeJS.Timeout | undefined;

  /** @param mayComeBack asked where the client itself does not. Default: it may not. */
  constructor(consumer: ConsumerClient, mayComeBack: (error: Error) => Promise<boolean> = async () => false) {
    this.consumer = consumer;
    this.#mayComeBack = mayComeBack;
    const { GROUP_JOIN, CRASH } = consumer.events;
    consumer.on(GROUP_JOIN as never, () => {
      this.#attempts = 0;
      clearTimeout(this.#again); // The application has run it meanwhile.
      this.onJoin();
      // A turn later the client knows itself that it runs.
      setImmediate(() => this.#joined());
    });
    consumer.on(CRASH as never, ({ payload }) => this.#crashed(payload as Crash));
  }

  /** Resolves as the client's: when it has joined, or has crashed. */
  async run(config: RunConfig): Promise<void> {
    this.#ended = false;
    this.#config = config;
    await this.#runOnce();
  }

  /** No handler runs after that. */
  async stop(): Promise<void> {
    this.#ended = true;
    clearTimeout(this.#again);
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
    if (!crash.restart && !this.#ended && isPassing(crash.error)) {
      void this.#comeBack(crash);
      return;
    }
    if (crash.restart && this.#ended) {
      // It crashed while it was stopped. Its timer stands after this event.
      setImmediate(() => void this.consumer.stop().catch(() => {})); // It has nothing left but the timer.
    } else if (crash.restart) this.#joining = new Deferred();
    this.onCrash(crash);
  }

  async #comeBack({ error }: Crash): Promise<void> {
    // As the client does: an answer that fails is none, and it restarts.
    const restart = await this.#mayComeBack(error as Error).catch(() => true);
    if (this.#ended) return;
    if (!restart) return this.onCrash({ error, restart });
    this.onComeBack(error);
    const ms = backoffMs(this.#attempts++, MOST_MS, Math.random, FIRST_MS);
    this.#again = setTimeout(() => {
      this.#runOnce().catch((reason) => this.onCrash({ error: reason, restart: false }));
    }, ms);
  }

  async #runOnce(): Promise<void> {
    const joining = new Deferred();
    this.#joining = joining;
    try {
      await this.consumer.run(this.#config);
    } finally {
      // After a crash meanwhile it is about the next attempt.
      if (this.#joining === joining) this.#joined();
    }
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

function isPassing(error: unknown): boolean {
  return causesOf(error).some((cause) => PASSING.includes((cause as Partial<Error>).name ?? ''));
}
