import { type AmqpChannel, replyCode } from './amqp-channel.js';

/** Opens a plain channel on the connection of the user's channel. */
export type OpenChannel = () => Promise<AmqpChannel>;

/**
 * A channel of our own on the user's connection. A refusal by the broker (asking for an exchange that is not there is
 * one) closes the channel on which it came; here that costs a new channel, and never the user's. One thing at a time,
 * because a refusal ends whatever else is under way on the channel.
 */
export class SideChannel {
  readonly #open: OpenChannel;
  #channel: Promise<AmqpChannel> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(open: OpenChannel) {
    this.#open = open;
  }

  /** Runs `use` when all that was asked for before is done. Rejects as amqplib does. */
  run<T>(use: (channel: AmqpChannel) => Promise<T>): Promise<T> {
    const done = this.#last.then(() => this.#use(use));
    this.#last = done.catch(() => {});
    return done;
  }

  /** Whether what `use` asks for is there: false for the broker's `404`, and for `405`, a queue of another connection alone. */
  async has(use: (channel: AmqpChannel) => Promise<object>): Promise<boolean> {
    try {
      await this.run(use);
      return true;
    } catch (error) {
      if (replyCode(error) === 404 || replyCode(error) === 405) return false;
      throw error;
    }
  }

  async #use<T>(use: (channel: AmqpChannel) => Promise<T>): Promise<T> {
    this.#channel ??= this.#opened();
    return await use(await this.#channel);
  }

  async #opened(): Promise<AmqpChannel> {
    try {
      const channel = await this.#open();
      channel.on('error', () => {}); // whoever asked is told by the rejected promise
      channel.once('close', () => {
        this.#channel = undefined;
      });
      return channel;
    } catch (error) {
      this.#channel = undefined;
      throw error;
    }
  }
}
