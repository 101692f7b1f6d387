import { ColorwayError } from '@colorway/core';
import { askedLast, unlessAborted, within } from '@colorway/core/background';
import { type AmqpChannel, replyCode } from '../amqp-channel.js';
import { ANSWER_MS, silent } from './questions.js';

/** Opens a plain channel on the connection of the user's channel. */
export type OpenChannel = () => Promise<AmqpChannel>;

/** Has a question to the broker owned by whoever ends it. */
export type Ask = <T>(what: string, question: () => Promise<T>) => Promise<T>;

/**
 * A channel of our own on the user's connection. A refusal by the broker (asking for an exchange that is not there is
 * one) closes the channel on which it came; here that costs a new channel, and never the user's. One thing at a time,
 * because a refusal ends whatever else is under way on the channel.
 */
export class SideChannel {
  readonly #open: OpenChannel;
  readonly #ask: Ask;
  #channel: Promise<AmqpChannel> | undefined;
  #last: Promise<unknown> = Promise.resolve();
  #closing = new AbortController();

  constructor(open: OpenChannel, ask: Ask) {
    this.#open = open;
    this.#ask = ask;
  }

  /** Runs `use` when all that was asked for before is done. Rejects as amqplib does, and when the broker does not answer. */
  run<T>(use: (channel: AmqpChannel) => Promise<T>): Promise<T> {
    return this.#ask('a question to RabbitMQ', () => {
      const { signal } = this.#closing;
      const done = this.#last.then(() => this.#use(use, signal));
      this.#last = done.catch(() => {}); // told to whoever asked
      return done;
    });
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

  /** Closes the channel; what has no answer by now rejects. Whoever asks later gets a new one. */
  async close(): Promise<void> {
    this.#closing.abort(new ColorwayError('COLORWAY_CLOSED', 'The connection to RabbitMQ is used no more.'));
    this.#closing = new AbortController();
    await this.#drop();
  }

  async #use<T>(use: (channel: AmqpChannel) => Promise<T>, signal: AbortSignal): Promise<T> {
    signal.throwIfAborted();
    this.#channel ??= this.#opened();
    const answer = unlessAborted(signal, this.#channel.then(use));
    return await within(ANSWER_MS, answer, () => {
      // What it would still answer belongs to a question that was given up.
      void this.#drop(); // never rejects, and ends by itself
      return silent(ANSWER_MS);
    });
  }

  async #drop(): Promise<void> {
    const channel = this.#channel;
    this.#channel = undefined;
    if (channel !== undefined) await askedLast(channel.then((opened) => opened.close()));
  }

  async #opened(): Promise<AmqpChannel> {
    try {
      const channel = await this.#open();
      channel.on('error', () => {}); // whoever asked is told by the rejected promise
      const own = this.#channel;
      channel.once('close', () => {
        if (this.#channel === own) this.#channel = undefined;
      });
      return channel;
    } catch (error) {
      this.#channel = undefined;
      throw error;
    }
  }
}
