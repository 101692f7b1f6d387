import type { Scope } from '@colorway/core/background';
import type { AmqpChannel, AmqpMessage } from '../amqp-channel.js';
import type { Deliveries } from './deliveries.js';

const MAX_BATCH = 50;
const FLUSH_MS = 10;

/**
 * Acknowledges foreign messages in batches. `multiple` settles all deliveries of the channel up to a tag, so it is
 * used only below the oldest message that a handler still has in hand; foreign ones above are settled singly. A batch
 * goes out when it is full, when it fills half of the prefetch window (what is not settled takes its place there),
 * and after 10 ms. When the scope has ended, nothing waits.
 */
export class ForeignAcks {
  readonly #channel: AmqpChannel;
  readonly #own: Deliveries;
  readonly #scope: Scope;
  /** Whole messages: OpenTelemetry's instrumentation ends the span of the very object that is acknowledged. */
  readonly #pending: AmqpMessage[] = [];
  #limit = MAX_BATCH;
  #timer: NodeJS.Timeout | undefined;
  #gets = 0;

  constructor(channel: AmqpChannel, own: Deliveries, scope: Scope) {
    this.#channel = channel;
    this.#own = own;
    this.#scope = scope;
    scope.signal.addEventListener('abort', () => this.#flushLate(), { once: true });
  }

  /** The smallest window of the channel's consumers; 0 is none. */
  setPrefetch(count: number): void {
    if (count > 0) this.#limit = Math.max(1, Math.min(this.#limit, Math.floor(count / 2)));
  }

  add(message: AmqpMessage): void {
    this.#pending.push(message);
    if (this.#pending.length >= this.#limit || this.#scope.isDisposed) this.flush();
    else this.#timer ??= setTimeout(() => this.#flushLate(), FLUSH_MS).unref();
  }

  /** Until the returned function is called, nothing is settled together: a message may be here that nobody knows of yet. */
  singly(): () => void {
    this.#gets++;
    return () => {
      this.#gets--;
    };
  }

  /** The application settled everything up to a tag: what it settled must not be settled again. */
  forget(upTo: number): void {
    while (this.#pending[0] !== undefined && this.#pending[0].fields.deliveryTag <= upTo)
      this.#pending.shift();
  }

  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const below =
      this.#gets > 0 ? [] : this.#pending.filter(({ fields }) => fields.deliveryTag < this.#own.first);
    const last = below.at(-1);
    if (last !== undefined) this.#channel.ack(last, true);
    for (const message of this.#pending.slice(below.length)) this.#channel.ack(message, false);
    this.#pending.length = 0;
  }

  /** On a channel that has closed meanwhile nothing can be settled; the broker delivers again. */
  #flushLate(): void {
    try {
      this.flush();
    } catch {
      this.#pending.length = 0;
    }
  }
}
