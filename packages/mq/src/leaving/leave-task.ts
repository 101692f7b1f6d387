import type { Color, OnLeave, StateStore, Subscription } from '@colorway/core';
import { changeSubscription, left, recordDiscard } from './change-subscription.js';
import type { LeaveServer, LeaveWork } from './leave-server.js';

/** How often what is left is written at most. */
const TELL_EVERY_MS = 1_000;

type Told = Pick<Subscription, 'remaining' | 'waitingFor'>;

/** One process's work on one subscription that leaves. */
export class LeaveTask implements LeaveWork {
  readonly color: Color;
  readonly onLeave: OnLeave;
  readonly server: LeaveServer;
  /** Resolves when it ended, whichever way; never rejects. */
  readonly done: Promise<void>;
  readonly #state: StateStore;
  readonly #key: string;
  readonly #abort = new AbortController();
  #told: Told = {};
  #timer: NodeJS.Timeout | undefined;
  #wrote = Number.NEGATIVE_INFINITY;

  constructor(state: StateStore, key: string, subscription: Subscription, server: LeaveServer) {
    this.#state = state;
    this.#key = key;
    this.color = subscription.color;
    this.onLeave = subscription.onLeave ?? 'drain';
    this.server = server;
    const { remaining, waitingFor } = subscription;
    this.#told = {
      ...(remaining !== undefined && { remaining }),
      ...(waitingFor !== undefined && { waitingFor }),
    };
    this.done = this.#run();
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get stopped(): boolean {
    return this.#abort.signal.aborted;
  }

  stop(): void {
    this.#abort.abort();
    clearTimeout(this.#timer);
  }

  progress({ remaining, waitingFor }: { remaining?: number; waitingFor?: string | undefined }): void {
    const told = {
      ...(remaining !== undefined && { remaining }),
      ...(waitingFor !== undefined && { waitingFor }),
    };
    if (told.remaining === this.#told.remaining && told.waitingFor === this.#told.waitingFor) return;
    this.#told = told;
    if (this.#timer !== undefined || this.stopped) return;
    const wait = Math.max(0, this.#wrote + TELL_EVERY_MS - performance.now());
    this.#timer = setTimeout(() => void this.#tell().catch(() => {}), wait).unref();
  }

  discarding(part: string | number, messages: number): Promise<void> {
    return recordDiscard(this.#state, this.#key, part, messages);
  }

  async #run(): Promise<void> {
    try {
      // A turn later, so that whoever began it holds it.
      await Promise.resolve();
      await this.server.leave(this);
      if (!this.stopped) await changeSubscription(this.#state, this.#key, (standing) => left(standing));
    } catch {
      // The broker or the directory is away, or nobody can drain: the next look begins anew.
    } finally {
      clearTimeout(this.#timer);
    }
  }

  async #tell(): Promise<void> {
    this.#timer = undefined;
    this.#wrote = performance.now();
    const { remaining, waitingFor } = this.#told;
    await changeSubscription(this.#state, this.#key, (standing) => {
      if (standing.state !== 'leaving') return undefined;
      if (standing.remaining === remaining && standing.waitingFor === waitingFor) return undefined;
      const { remaining: _old, waitingFor: _before, ...rest } = standing;
      return {
        ...rest,
        ...(remaining !== undefined && { remaining }),
        ...(waitingFor !== undefined && { waitingFor }),
      };
    });
  }
}
