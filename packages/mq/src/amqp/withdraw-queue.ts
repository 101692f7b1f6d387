import { type Color, ColorwayError, quote } from '@colorway/core';
import { type AmqpChannel, type QueueState, replyCode } from './amqp-channel.js';
import type { ChannelColoring } from './channel-coloring.js';
import { coloringOf } from './colored-channel.js';

export interface WithdrawOptions {
  /** Whose queue. Default: the color of the channel's instance. */
  readonly color?: Color;
  /** What becomes of the messages that wait: handled, or thrown away. Default `drain`. */
  readonly onLeave?: 'drain' | 'discard';
  /** Told how many messages wait: again and again while they are handled, and once before they are discarded. */
  readonly onProgress?: (progress: WithdrawProgress) => Promise<void> | void;
  /** Stops waiting; the queue then stays, unbound, and can be withdrawn again. */
  readonly signal?: AbortSignal;
  /** How often to look, in milliseconds. Default 200. */
  readonly pollMs?: number;
}

export interface WithdrawProgress {
  readonly step: 'draining' | 'discarding';
  readonly remaining: number;
}

export interface Withdrawn {
  /** How many messages were thrown away. */
  readonly discarded: number;
}

/**
 * Takes the queue that a color has beside `queue` out of service: from the first step on new messages of the color go
 * to the baseline; those that wait are handled; then the queue is deleted. Idempotent, also half done.
 *
 * They are handled by the color's own consumers where there are any: those of this channel are cancelled when the queue
 * is empty and all has been acknowledged, and for others it waits until they are gone. Where there are none, the handler
 * that this channel has for `queue` handles them, each in its message's context: that is for a baseline instance, when a
 * color's environment ended without it.
 *
 * What a consumer on another channel has in hand after it was cancelled cannot be seen: close that channel first.
 *
 * @param channel what `coloredChannel` returned
 * @throws ColorwayError `COLORWAY_INVALID_OPTION` where the color is missing, or nobody can drain.
 */
export async function withdrawQueue(
  channel: AmqpChannel,
  queue: string,
  options: WithdrawOptions = {},
): Promise<Withdrawn> {
  const coloring = coloringOf(channel);
  if (coloring === undefined) {
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      'withdrawQueue takes a channel that coloredChannel returned.',
    );
  }
  const color = options.color ?? coloring.color;
  if (color === undefined) {
    throw new ColorwayError('COLORWAY_INVALID_OPTION', 'This instance has no color: give the option color.');
  }
  const withdrawal = new Withdrawal(coloring, queue, color, options);
  return options.onLeave === 'discard' ? await withdrawal.discard() : await withdrawal.drain();
}

class Withdrawal {
  readonly #coloring: ChannelColoring;
  readonly #queue: string;
  readonly #color: Color;
  readonly #name: string;
  readonly #options: WithdrawOptions;

  constructor(coloring: ChannelColoring, queue: string, color: Color, options: WithdrawOptions) {
    this.#coloring = coloring;
    this.#queue = queue;
    this.#color = color;
    this.#name = coloring.state.names.colored(queue, color);
    this.#options = options;
  }

  async discard(): Promise<Withdrawn> {
    await this.#coloring.mode.leave(this.#queue, this.#color);
    const waiting = await this.#look();
    if (waiting === undefined) return { discarded: 0 };
    await this.#options.onProgress?.({ step: 'discarding', remaining: waiting.messageCount });
    const { messageCount } = await this.#coloring.state.side.run((channel) =>
      channel.deleteQueue(this.#name),
    );
    await this.#coloring.mode.left(this.#queue, this.#color);
    return { discarded: messageCount };
  }

  async drain(): Promise<Withdrawn> {
    const { mode } = this.#coloring;
    await mode.leave(this.#queue, this.#color);
    for (;;) {
      this.#options.signal?.throwIfAborted();
      const state = await this.#look();
      if (state === undefined) break;
      await this.#options.onProgress?.({ step: 'draining', remaining: state.messageCount });
      if (await this.#isDone(state)) break;
      await new Promise((resolve) => setTimeout(resolve, this.#options.pollMs ?? 200));
    }
    await mode.left(this.#queue, this.#color);
    return { discarded: 0 };
  }

  /** One look further: makes sure that somebody drains, or deletes the queue when nothing is left. */
  async #isDone({ messageCount, consumerCount }: QueueState): Promise<boolean> {
    const { consumers } = this.#coloring;
    if (consumerCount === 0 && messageCount > 0) {
      await this.#drainHere(messageCount);
      return false;
    }
    const ours = consumers.reading(this.#name);
    if (messageCount > 0 || consumers.inHand(this.#name) > 0 || consumerCount > ours.length) return false;
    for (const { consumerTag } of ours) await consumers.cancel(consumerTag);
    // Something may have come between the look and the cancelling, and is in hand or back in the queue now.
    return consumers.inHand(this.#name) === 0 && (await this.#deleteIfEmpty());
  }

  async #drainHere(messageCount: number): Promise<void> {
    const tag = await this.#coloring.consumers.consumeFor(this.#queue, this.#name, this.#color);
    if (tag !== undefined) return;
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `${messageCount} messages wait in ${quote(this.#name)}, and nobody consumes it. Call withdrawQueue on a channel that ` +
        `consumes ${quote(this.#queue)}, or with onLeave: "discard".`,
    );
  }

  async #look(): Promise<QueueState | undefined> {
    try {
      return await this.#coloring.state.side.run((channel) => channel.checkQueue(this.#name));
    } catch (error) {
      if (replyCode(error) === 404) return undefined;
      throw error;
    }
  }

  /**
   * Looks and deletes in one go. The broker's own `if-empty` and `if-unused` would be safer still, and cannot be used:
   * a quorum queue answers them with 540, which closes the whole connection, and nothing tells what type a queue has.
   */
  async #deleteIfEmpty(): Promise<boolean> {
    return await this.#coloring.state.side.run(async (channel) => {
      const { messageCount, consumerCount } = await channel.checkQueue(this.#name);
      if (messageCount > 0 || consumerCount > 0) return false;
      await channel.deleteQueue(this.#name);
      return true;
    });
  }
}
