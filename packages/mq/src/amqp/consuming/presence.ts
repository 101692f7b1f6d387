import { type Coloring, quote } from '@colorway/core';
import { reasonOf, unlessAborted, within } from '@colorway/core/background';
import { type AmqpChannel, type AmqpMessage, replyCode } from '../amqp-channel.js';
import type { OpenChannel } from '../connection/side-channel.js';

/** Consumers of any priority come before it. */
const LOWEST = -1_000;
/** The queue is gone, is another connection's alone, or has an exclusive consumer. */
const EXPECTED = [404, 405, 403];

/** How long a presence may take to begin. */
export interface PresenceLimits {
  readonly ms: number;
  /** Nobody waits for it any more. */
  readonly signal: AbortSignal;
  /** Whether it matters that others cannot see it. */
  readonly isNeeded: () => boolean;
}

/**
 * Says at the broker that somebody has messages of a queue in hand, where no consumer says so: a cancelled one is not
 * counted, and what it holds neither. Whoever would delete the empty queue counts this consumer, and it goes with the
 * connection: a process that is killed, or is cut off, gives its messages back at the same moment.
 *
 * It is given nothing: it starts without credit. A broker that does not know `x-credit` (RabbitMQ 4) gives it one
 * message at most, when nobody else takes it, which goes back at the end.
 *
 * On a channel of its own: a refusal (the queue is gone) must not close the application's.
 */
export class Presence {
  readonly #coloring: Coloring;
  readonly #open: OpenChannel;
  readonly #name: string;
  #channel: Promise<AmqpChannel | undefined> | undefined;

  constructor(coloring: Coloring, open: OpenChannel, name: string) {
    this.#coloring = coloring;
    this.#open = open;
    this.#name = name;
  }

  /**
   * Resolves to true when the broker knows of it; to false where it cannot: the queue is gone, an exclusive consumer has it, or
   * there is no answer in time.
   */
  async begin(limits: PresenceLimits): Promise<boolean> {
    this.#channel ??= this.#started(limits);
    return (await this.#channel) !== undefined;
  }

  /** Idempotent; never rejects. */
  async end(): Promise<void> {
    const started = this.#channel;
    this.#channel = undefined;
    const channel = await started;
    await channel?.close().catch(() => {}); // it is closed already, or the connection is gone
  }

  async #started({ ms, signal, isNeeded }: PresenceLimits): Promise<AmqpChannel | undefined> {
    const consuming = this.#consume();
    const late = new Error(`no answer within ${ms} ms`);
    try {
      return await within(ms, unlessAborted(signal, consuming), () => late);
    } catch (error) {
      const code = replyCode(error);
      // Without a code the connection is gone, and all that was in hand has gone back.
      if ((error === late && isNeeded()) || (code !== undefined && !EXPECTED.includes(code)))
        this.#tell(error);
      consuming.then((channel) => channel.close()).catch(() => {}); // told above
      return undefined;
    }
  }

  async #consume(): Promise<AmqpChannel> {
    const channel = await this.#open();
    channel.on('error', () => {}); // the promises below tell
    channel.once('close', () => {
      this.#channel = undefined;
    });
    await channel.prefetch(1);
    await channel.consume(this.#name, (message) => this.#received(message), {
      priority: LOWEST,
      arguments: { 'x-credit': { credit: { '!': 'long', value: 0 }, drain: false } },
    });
    return channel;
  }

  /** `null` when the queue was deleted: should it be made anew, the presence is too. */
  #received(message: AmqpMessage | null): void {
    if (message === null) void this.end(); // never rejects, and has no timer
  }

  #tell(error: unknown): void {
    this.#coloring.reporter.once(
      'COLORWAY_AMQP_UNSEEN',
      `What this process has in hand of queue ${quote(this.#name)} cannot be seen by others (${reasonOf(error)}): where its color ` +
        'leaves now, acknowledge it before the connection closes.',
      this.#name,
    );
  }
}
