import { ColorwayError } from '@colorway/core';
import { within } from '@colorway/core/background';
import { type AmqpChannel, replyCode } from './amqp-channel.js';

/** Opens a plain channel on the connection of the user's channel. */
export type OpenChannel = () => Promise<AmqpChannel>;

/** A question to the broker that has no answer after so long has none. */
const ANSWER_MS = 15_000;

/**
 * A channel of our own on the user's connection. A refusal by the broker (asking for an exchange that is not there is
 * one) closes the channel on which it came; here that costs a new channel, and never the user's. One thing at a time,
 * because a refusal ends whatever else is under way on the channel.
 */
export class SideChannel {
  readonly #open: OpenChannel;
  readonly #answerMs: number;
  #channel: Promise<AmqpChannel> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(open: OpenChannel, answerMs = ANSWER_MS) {
    this.#open = open;
    this.#answerMs = answerMs;
  }

  /** Runs `use` when all that was asked for before is done. Rejects as amqplib does, and when the broker does not answer. */
  run<T>(use: (channel: AmqpChannel) => Promise<T>): Promise<T> {
    const done = this.#last.then(() => this.#use(use));
    this.#last = done.catch(() => {}); // told to whoever asked
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

  /** Closes the channel when what was asked for is done. Whoever asks later gets a new one. */
  async close(): Promise<void> {
    await this.#last;
    await this.#drop();
  }

  async #use<T>(use: (channel: AmqpChannel) => Promise<T>): Promise<T> {
    this.#channel ??= this.#opened();
    const answer = this.#channel.then(use);
    return await within(this.#answerMs, answer, () => {
      // What it would still answer belongs to a question that was given up.
      void this.#drop();
      return late(this.#answerMs);
    });
  }

  async #drop(): Promise<void> {
    const channel = this.#channel;
    this.#channel = undefined;
    // A channel that cannot be opened or closed any more is gone with its connection.
    const closed = channel?.then((opened) => opened.close()).catch(() => {});
    if (closed !== undefined)
      await within(this.#answerMs, closed, () => late(this.#answerMs)).catch(() => {});
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

/**
 * What the broker answers to a call of ours on another channel. @throws ColorwayError `COLORWAY_BROKER_SILENT` when it does not, within 15 s
 */
export function answered<T>(answer: Promise<T>): Promise<T> {
  return within(ANSWER_MS, answer, () => late(ANSWER_MS));
}

function late(ms: number): ColorwayError {
  return new ColorwayError(
    'COLORWAY_BROKER_SILENT',
    `RabbitMQ has not answered within ${ms} ms. Is the connection blocked, or the broker low on memory or disk?`,
  );
}
