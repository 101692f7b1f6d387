import type { Coloring } from '@colorway/core';
import { askedLast, type Scope, unlessAborted } from '@colorway/core/background';
import type { AmqpChannel } from '../amqp-channel.js';
import type { OpenChannel } from '../connection/side-channel.js';
import type { Deliveries } from './deliveries.js';
import { Presence } from './presence.js';

/** A consumer that nobody has. The broker answers its cancelling, and before that it takes every acknowledgement. */
const NOBODY = 'colorway.closing';
/** Who takes messages one by one asks again at once, mostly. */
const GET_IDLE_MS = 1_000;
/** How long whoever cancels or takes something waits for the presence. */
const BEGIN_MS = 5_000;
/** The same while the coloring closes. */
const HURRIED_MS = 2_000;

interface Kept {
  readonly presence: Presence;
  /** Calls under way that take messages, or may: it stays as long. */
  users: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * The presences of one channel, by the queue's name at the broker: each stands from before a consumer is cancelled, or a message
 * is taken by `get`, until the broker has been told what became of all that was in hand. They end with the application's
 * channel, and not with the coloring's scope: what the application holds when it has closed is in its hands still. All
 * waiting ends with the scope.
 */
export class Presences {
  readonly #coloring: Coloring;
  readonly #open: OpenChannel;
  readonly #channel: AmqpChannel;
  readonly #deliveries: Deliveries;
  readonly #scope: Scope;
  readonly #kept = new Map<string, Kept>();
  #isGone = false;
  #isHurried = false;
  /** When the channel has closed: of all presences. */
  #ending: Promise<unknown> = Promise.resolve();

  constructor(
    coloring: Coloring,
    open: OpenChannel,
    channel: AmqpChannel,
    deliveries: Deliveries,
    scope: Scope,
  ) {
    this.#coloring = coloring;
    this.#open = open;
    this.#channel = channel;
    this.#deliveries = deliveries;
    this.#scope = scope;
    deliveries.onNone = (name) => {
      if (this.#kept.has(name)) this.#releaseInBackground(name);
    };
    scope.signal.addEventListener('abort', () => this.#releaseIdle(), { once: true });
    channel.once('close', () => {
      this.#isGone = true;
      this.#ending = Promise.all(Array.from(this.#kept.keys(), (name) => this.#end(name)));
    });
    scope.defer(() => askedLast(this.#ending));
  }

  /** The coloring closes: a broker that is silent is not waited for long. */
  hurry(): void {
    this.#isHurried = true;
  }

  /** Runs `use` with the presence standing before it begins. It stays while something of the queue is in hand. */
  async during<T>(name: string, use: () => Promise<T>): Promise<T> {
    // The broker may answer a cancel and a close in one go. What the channel held has gone back, and nobody would end the presence.
    if (this.#isGone) return await use();
    const kept = this.#of(name);
    kept.users++;
    clearTimeout(kept.timer);
    try {
      const isBegun = await kept.presence.begin({
        ms: this.#isHurried ? HURRIED_MS : BEGIN_MS,
        signal: this.#scope.signal,
        isNeeded: () => !this.#isHurried || this.#deliveries.inHand(name) > 0,
      });
      // Where it cannot be, the call goes on as it would without us.
      if (!isBegun && this.#kept.get(name) === kept) this.#kept.delete(name);
      return await use();
    } finally {
      kept.users--;
    }
  }

  /** Ends it, unless something is in hand; then it ends with that. */
  async release(name: string): Promise<void> {
    if (this.#kept.has(name)) await this.#release(name);
  }

  /** The same, a moment later. */
  releaseLater(name: string): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    clearTimeout(kept.timer);
    if (this.#scope.isDisposed) this.#releaseInBackground(name);
    else kept.timer = setTimeout(() => this.#releaseInBackground(name), GET_IDLE_MS).unref();
  }

  async releaseAll(): Promise<void> {
    await Promise.all(Array.from(this.#kept.keys(), (name) => this.#release(name)));
  }

  /** {@link release}, for those who do not wait. */
  releaseSoon(name: string): void {
    if (this.#kept.has(name)) this.#releaseInBackground(name);
  }

  #releaseIdle(): void {
    for (const [name, { timer }] of this.#kept) {
      clearTimeout(timer);
      if (timer !== undefined) this.#releaseInBackground(name);
    }
  }

  /**
   * A task as long as the scope lives. What has begun is done when the broker answers, also after that: it has no timer, never
   * rejects, and the channel's end ends the presence in any case.
   */
  #releaseInBackground(name: string): void {
    const released = this.#release(name);
    if (!this.#scope.isDisposed)
      this.#scope.spawn(`presence in ${name}`, (signal) => unlessAborted(signal, released));
  }

  #of(name: string): Kept {
    let kept = this.#kept.get(name);
    if (kept === undefined) {
      kept = { presence: new Presence(this.#coloring, this.#open, name), users: 0, timer: undefined };
      this.#kept.set(name, kept);
    }
    return kept;
  }

  async #release(name: string): Promise<void> {
    // A turn later: what is being settled has gone out by then.
    await Promise.resolve();
    if (this.#isNeeded(name)) return;
    // The broker's channels work side by side: this one has done what was asked of it before the other one is closed.
    if (!this.#isGone) await answered(this.#channel);
    if (!this.#isNeeded(name)) await this.#end(name);
  }

  #isNeeded(name: string): boolean {
    return (this.#kept.get(name)?.users ?? 0) > 0 || this.#deliveries.inHand(name) > 0;
  }

  async #end(name: string): Promise<void> {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    this.#kept.delete(name);
    clearTimeout(kept.timer);
    await kept.presence.end();
  }
}

/** Resolves when the broker has taken all that was sent on the channel; rejects when the channel has closed. */
export async function allTaken(channel: AmqpChannel): Promise<void> {
  await channel.cancel(NOBODY);
}

/** The same; a channel that has closed holds nothing any more. */
async function answered(channel: AmqpChannel): Promise<void> {
  try {
    await allTaken(channel);
  } catch {
    // see above
  }
}
