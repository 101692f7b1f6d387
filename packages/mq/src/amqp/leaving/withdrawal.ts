import { type Color, type Coloring, ColorwayError, type LeaveWait, quote } from '@colorway/core';
import { type Scope, sleep } from '@colorway/core/background';
import { type QueueState, replyCode } from '../amqp-channel.js';
import type { ConnectionState } from '../connection/connection-state.js';
import type { Consumers } from '../consuming/consumers.js';
import { discardCopies, hasCopies } from '../filter/discard-copies.js';
import { inHand, readersOf, readFor, reading } from '../membership/queue-readers.js';
import type { Mode } from '../mode.js';
import { type QueueLook, type Whose, withdrawalWait } from './withdrawal-wait.js';

/** The parts of a channel's coloring that bring a color's queue to its end. */
export interface WithdrawalParts {
  readonly coloring: Coloring;
  readonly mode: Mode;
  readonly consumers: Consumers;
  readonly state: ConnectionState;
  /** The channel's. */
  readonly scope: Scope;
}

export interface WithdrawalOptions {
  readonly signal?: AbortSignal | undefined;
  readonly pollMs: number;
  /** Where nobody can drain: waits until somebody can. Default: rejects. */
  readonly isPatient?: boolean | undefined;
  /** For what people read. Default: the coloring's own service. */
  readonly whose?: Whose | undefined;
  /** Looked at before each step that cannot be taken back: false where the color has come back meanwhile. */
  readonly isLeaving: () => Promise<boolean>;
  readonly onDrain: (left: LeaveWait & { readonly remaining: number }) => Promise<void> | void;
  readonly onDiscard: (messages: number) => Promise<void> | void;
}

/** Looks at an idle queue that it must pass before it is deleted: what came back from a consumer shows at the second. */
const QUIET_LOOKS = 2;

/**
 * Brings a color's queue to its end: unbinds it, has what waits handled or thrown away, and deletes it. Any number of
 * channels and processes may do it at once, and each step may be repeated.
 */
export class Withdrawal {
  readonly #parts: WithdrawalParts;
  readonly #queue: string;
  readonly #color: Color;
  readonly #name: string;
  readonly #options: WithdrawalOptions;
  /** The least that was left, and since when. */
  #least = { left: Number.POSITIVE_INFINITY, consumers: Number.POSITIVE_INFINITY, since: performance.now() };

  constructor(parts: WithdrawalParts, queue: string, color: Color, options: WithdrawalOptions) {
    this.#parts = parts;
    this.#queue = queue;
    this.#color = color;
    this.#name = parts.state.names.colored(queue, color);
    this.#options = options;
  }

  /** How many messages wait; `undefined` where there is no queue. */
  async count(): Promise<number | undefined> {
    return (await this.#look())?.messageCount;
  }

  /** Throws away what waits. Resolves to how many that were. */
  async discard(): Promise<number> {
    if (!(await this.#options.isLeaving())) return 0;
    await this.#parts.mode.leave(this.#queue, this.#color, this.#options.signal);
    const waiting = await this.#look();
    if (waiting === undefined) return 0;
    if (!hasCopies(this.#parts.mode)) await this.#options.onDiscard(waiting.messageCount);
    if (!(await this.#options.isLeaving())) return 0;
    // What handlers here have in hand they may finish.
    await this.#quiesce(this.#channels());
    const copies = await discardCopies(this.#parts, this.#queue, this.#name, this.#color, this.#options);
    const { messageCount } = await this.#parts.state.side.run((channel) => channel.deleteQueue(this.#name));
    const discarded = copies ?? messageCount;
    if (copies === undefined && messageCount > waiting.messageCount)
      await this.#options.onDiscard(messageCount);
    this.#parts.mode.left(this.#queue, this.#color);
    return discarded;
  }

  async drain(): Promise<void> {
    const { mode } = this.#parts;
    if (!(await this.#options.isLeaving())) return;
    await mode.leave(this.#queue, this.#color, this.#options.signal);
    try {
      await this.#untilEmpty();
    } catch (error) {
      if (this.#options.signal?.aborted) await this.#endStandIns();
      throw error;
    }
    mode.left(this.#queue, this.#color);
  }

  async #untilEmpty(): Promise<void> {
    for (let quiet = 0; quiet < QUIET_LOOKS || !(await this.#delete()); ) {
      this.#options.signal?.throwIfAborted();
      const state = await this.#look();
      if (state === undefined) break;
      const isIdle = await this.#lookAfter(state);
      quiet = isIdle ? quiet + 1 : 0;
      if (quiet < QUIET_LOOKS) await this.#pause();
    }
  }

  /** Somebody else brings the queue to its end now, and would wait for them: nobody here looks after them any more. */
  async #endStandIns(): Promise<void> {
    const { state } = this.#parts;
    for (const channel of this.#channels()) {
      const end = () => channel.endStandIns(this.#name);
      // A channel that has closed has ended them.
      await state.ask(`the end of draining ${this.#name}`, end).catch(() => {});
    }
  }

  /** Sees to it that somebody drains, and that what reads an empty queue stops. Whether nothing and nobody is left. */
  async #lookAfter({ messageCount, consumerCount }: QueueState): Promise<boolean> {
    const channels = this.#channels();
    const held = inHand(channels, this.#name);
    const look: QueueLook = {
      ...{ ready: messageCount, consumers: consumerCount, ours: reading(channels, this.#name), held },
      givenBack: Math.max(...channels.map((channel) => channel.givenBack(this.#name))),
      stuckMs: this.#stuckMs(messageCount + held, consumerCount),
    };
    const { service } = this.#parts.coloring;
    const whose = {
      service,
      color: this.#color,
      broker: 'amqp',
      group: this.#queue,
      onLeave: 'drain' as const,
    };
    const wait = withdrawalWait(this.#options.whose ?? whose, this.#name, look);
    await this.#options.onDrain({ remaining: messageCount + held, ...wait });
    const unread = messageCount > 0 && consumerCount === 0;
    if (unread) await this.#drainHere(messageCount);
    if (messageCount > 0 || held > 0) return false;
    await this.#quiesce(channels);
    return consumerCount === 0;
  }

  #stuckMs(left: number, consumers: number): number {
    const now = performance.now();
    const isLess = left < this.#least.left || consumers < this.#least.consumers;
    if (isLess) this.#least = { left, consumers, since: now };
    return now - this.#least.since;
  }

  async #drainHere(messageCount: number): Promise<void> {
    const { color } = this.#parts.coloring;
    // Another color's instance is no stand-in (law 4): a consumer of the baseline drains, now or when one starts.
    if (color !== undefined && color !== this.#color) return;
    const { state } = this.#parts;
    const read = () => readFor(this.#channels(), this.#queue, this.#name, this.#color);
    if (await state.ask(`a consumer of ${this.#name}`, read)) return;
    // A color that takes its messages by `get` goes on doing so.
    if (color === this.#color || this.#options.isPatient === true) return;
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `${messageCount} messages wait in ${quote(this.#name)}, and nobody consumes it. Call withdrawQueue on a channel that ` +
        `consumes ${quote(this.#queue)}, or with onLeave: "discard".`,
    );
  }

  async #quiesce(channels: readonly Consumers[]): Promise<void> {
    const { state } = this.#parts;
    for (const channel of channels)
      await state.ask(`the end of reading ${this.#name}`, () => channel.quiesce(this.#name));
  }

  #channels(): readonly Consumers[] {
    return readersOf(this.#parts.coloring, this.#parts.state).of(this.#queue, this.#parts.consumers);
  }

  async #look(): Promise<QueueState | undefined> {
    try {
      return await this.#parts.state.side.run((channel) => channel.checkQueue(this.#name));
    } catch (error) {
      if (replyCode(error) === 404) return undefined;
      throw error;
    }
  }

  /**
   * Looks once more and deletes in one go. The broker's own `if-empty` and `if-unused` would be safer still, and cannot
   * be used: a quorum queue answers them with 540, which closes the whole connection, and nothing tells what type a
   * queue has.
   */
  async #delete(): Promise<boolean> {
    if (!(await this.#options.isLeaving())) return true;
    try {
      return await this.#parts.state.side.run(async (channel) => {
        const { messageCount, consumerCount } = await channel.checkQueue(this.#name);
        if (messageCount > 0 || consumerCount > 0) return false;
        await channel.deleteQueue(this.#name);
        return true;
      });
    } catch (error) {
      if (replyCode(error) === 404) return true; // another one who brings it to its end was faster
      throw error;
    }
  }

  async #pause(): Promise<void> {
    await sleep(this.#options.pollMs, this.#options.signal);
  }
}
