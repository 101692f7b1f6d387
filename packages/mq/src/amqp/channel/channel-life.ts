import { unlessAborted } from '@colorway/core/background';
import type { AmqpChannel } from '../amqp-channel.js';

/**
 * From the wrapping of a channel to its end, whoever ends it. amqplib leaves calls on a closed channel without an answer
 * (the first one throws, and those behind it wait for its reply), so nothing of ours waits for one after that.
 */
export class ChannelLife {
  readonly #ended = new AbortController();
  readonly #connection: object;
  #isClosing = false;
  #hasEnded = false;

  constructor(channel: AmqpChannel) {
    this.#connection = channel.connection;
    channel.once('close', () => {
      this.#hasEnded = true;
      // A turn later: amqplib has just told the reason to whoever waits, and that is the better answer.
      setImmediate(() => this.#ended.abort(illegal('Channel closed')));
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Nothing can come or go on it any more; amqplib may not have noticed that its socket is gone. */
  get isGone(): boolean {
    const { stream } = this.#connection as { readonly stream?: { readonly destroyed?: unknown } };
    return this.#hasEnded || stream?.destroyed === true;
  }

  /** The application has called `close()`: amqplib takes nothing more from then on. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  closing(): void {
    this.#isClosing = true;
  }

  /** @throws as amqplib does, once the application has called `close()`, or the channel has ended. */
  mustTake(): void {
    if (this.#hasEnded) throw illegal('Channel closed');
    if (this.#isClosing) throw illegal('Channel closing');
  }

  /** What the promise comes to, or a rejection when the channel ends before that. */
  within<T>(promise: Promise<T>): Promise<T> {
    return unlessAborted(this.#ended.signal, promise);
  }
}

/** As amqplib names it. */
function illegal(message: string): Error {
  return Object.assign(new Error(message), { name: 'IllegalOperationError' });
}
