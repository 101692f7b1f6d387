import {
  type Color,
  isNewProgress,
  type OnLeave,
  parseSubscription,
  SERVED_EVERY_MS,
  type StateStore,
  type Subscription,
  type ToldProgress,
  waitsAfterFailure,
  waitsForBegun,
  waitsForConsumer,
  withProgress,
} from '@colorway/core';
import { Deferred, type Reporter, reasonOf, sleep } from '@colorway/core/background';
import { changeSubscription, left, recordDiscard } from './change-subscription.js';
import { failureHint } from './failure-hint.js';
import type { LeaveWork } from './leave-server.js';
import type { Leave } from './leave-servers.js';

/** How often what is left is written at most. */
const TELL_EVERY_MS = 1_000;
/** What is stopped gets so long to end; then it is given up. */
const STOP_MS = 2_000;

export interface LeaveTaskParts {
  readonly state: StateStore;
  readonly reporter: Reporter;
  readonly key: string;
  readonly subscription: Subscription;
  readonly leave: Leave;
}

/** One process's work on one subscription that leaves. */
export class LeaveTask implements LeaveWork {
  readonly subscription: Subscription;
  /** Settled when nothing of it goes on. */
  readonly ended = new Deferred();
  readonly #parts: LeaveTaskParts;
  readonly #abort = new AbortController();
  #told: ToldProgress | undefined;
  #timer: NodeJS.Timeout | undefined;
  #telling: Promise<void> = Promise.resolve();
  #toldAt = Number.NEGATIVE_INFINITY;
  #hasLeft = false;

  constructor(parts: LeaveTaskParts) {
    this.#parts = parts;
    this.subscription = parts.subscription;
  }

  get color(): Color {
    return this.subscription.color;
  }

  get onLeave(): OnLeave {
    return this.subscription.onLeave ?? 'drain';
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get leave(): Leave {
    return this.#parts.leave;
  }

  /** Whether it came to its end, and that is recorded. */
  get hasLeft(): boolean {
    return this.#hasLeft;
  }

  /** What it was told last; `undefined` before anything was. */
  get told(): ToldProgress | undefined {
    return this.#told;
  }

  stop(): void {
    this.#abort.abort();
  }

  /** Resolves when the subscription has left, or the task was stopped; rejects with what the server failed with. */
  async run(): Promise<void> {
    const { state, key, subscription } = this.#parts;
    const begun = setTimeout(() => this.#hasBegun(), TELL_EVERY_MS).unref();
    const alive = setInterval(() => this.#schedule(), SERVED_EVERY_MS).unref();
    try {
      await this.#served();
      if (this.signal.aborted) return;
      await changeSubscription(state, key, (standing) => left(standing));
      this.#hasLeft = true;
    } catch (error) {
      if (this.signal.aborted) return;
      this.progress(waitsAfterFailure(subscription, reasonOf(error), failureHint(error)));
      clearTimeout(this.#timer);
      await this.#tell();
      throw error;
    } finally {
      clearTimeout(begun);
      clearInterval(alive);
      clearTimeout(this.#timer);
      this.#abort.abort();
      await this.#telling;
      this.#parts.reporter.forget('COLORWAY_BACKGROUND_FAILED', this.#subject);
      this.ended.resolve();
    }
  }

  async isLeaving(): Promise<boolean> {
    if (this.signal.aborted) return false;
    const entry = await this.#parts.state.get(this.#parts.key);
    return (entry && parseSubscription(entry))?.state === 'leaving';
  }

  progress({ remaining, waitingFor, remedy }: Partial<ToldProgress>): void {
    const nobody = waitsForConsumer(this.subscription);
    const mend = remedy ?? (waitingFor === nobody.waitingFor ? nobody.remedy : undefined);
    this.#told = { remaining, waitingFor, ...(mend !== undefined && { remedy: mend }) };
    this.#schedule();
  }

  discarding(part: string | number, messages: number): Promise<void> {
    return recordDiscard(this.#parts.state, this.#parts.key, part, messages);
  }

  /** A server that does not end when it is stopped holds up nobody. */
  async #served(): Promise<void> {
    const { leave, reporter } = this.#parts;
    const work = (async () => leave(this))();
    const { signal } = this;
    const ended = new AbortController();
    const abandoned = new Promise<'abandoned'>((resolve) => {
      const wait = (): void => void sleep(STOP_MS, ended.signal).then(() => resolve('abandoned'));
      if (signal.aborted) wait();
      else signal.addEventListener('abort', wait, { once: true });
    });
    try {
      if ((await Promise.race([work, abandoned])) !== 'abandoned') return;
    } finally {
      ended.abort();
    }
    work.catch(() => {}); // Of no interest any more.
    reporter.once(
      'COLORWAY_LEAVE_HANGS',
      `${this.#subject} was stopped, has not ended within ${STOP_MS} ms and is left to itself.`,
      this.#subject,
    );
  }

  #hasBegun(): void {
    if (this.#told !== undefined) return;
    this.progress(waitsForBegun(this.subscription.group));
  }

  #schedule(): void {
    if (this.#timer !== undefined || this.signal.aborted) return;
    const wait = Math.max(0, this.#toldAt + TELL_EVERY_MS - performance.now());
    this.#timer = setTimeout(() => void this.#tell(), wait).unref();
  }

  /** Never rejects: what could not be said is said with the next change, or in 20 s. */
  #tell(): Promise<void> {
    this.#timer = undefined;
    this.#toldAt = performance.now();
    const { reporter } = this.#parts;
    this.#telling = this.#telling
      .then(() => this.#write())
      .then(() => reporter.working('COLORWAY_BACKGROUND_FAILED', this.#subject))
      .catch((error: unknown) => reporter.failing('COLORWAY_BACKGROUND_FAILED', this.#subject, error));
    return this.#telling;
  }

  async #write(): Promise<void> {
    const told = this.#told;
    if (told === undefined) return;
    await changeSubscription(this.#parts.state, this.#parts.key, (standing) => {
      const now = Date.now();
      if (standing.state !== 'leaving' || standing.onLeave !== this.onLeave) return undefined;
      return isNewProgress(standing, told, now) ? withProgress(standing, told, now) : undefined;
    });
  }

  get #subject(): string {
    const { color, group, topic } = this.subscription;
    return `leaving of ${color}, ${topic === undefined ? group : `${group} of ${topic}`}`;
  }
}
