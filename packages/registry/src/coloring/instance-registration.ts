import {
  ColorwayError,
  type ColorwayErrorCode,
  type InstanceRecord,
  type InstanceStore,
  isColorwayError,
  type Registration,
} from '@colorway/core';
import { backoffMs, Deferred, reasonOf, type Scope, sleep, within } from '@colorway/core/background';
import { type ReadyCheck, untilReady } from './ready-check.js';

export interface RegistrationPlan {
  /** Its own: it is disposed when the registration is closed, or refused for good. */
  readonly scope: Scope;
  readonly record: InstanceRecord;
  readonly instances: InstanceStore;
  readonly leaseMs: number;
  /** How long one call to the directory may take. */
  readonly callTimeoutMs: number;
  /** What must stand before anybody may see the instance; done again before each registration. */
  readonly prepare: () => Promise<void>;
  /** What must say yes before the instance is announced for the first time; a lost lease does not ask again. */
  readonly ready?: ReadyCheck | undefined;
  /** Called when it was refused for good: what was kept for it can go. */
  readonly onRefused: () => void;
}

const MAX_BACKOFF_MS = 5_000;
/** How long leaving the directory may take, where one call may take as long. */
const MAX_CLOSE_MS = 2_000;

/** Trying again does not mend these. */
const PERMANENT: readonly ColorwayErrorCode[] = [
  'COLORWAY_ENVIRONMENT_EXISTS',
  'COLORWAY_POLICY_EXCEEDED',
  'COLORWAY_INVALID_OPTION',
  'COLORWAY_INVALID_COLOR',
  'COLORWAY_CLOSED',
];

/** Keeps one instance in the directory: registers, renews, and begins again, until it is closed. */
export class InstanceRegistration implements Registration {
  readonly #plan: RegistrationPlan;
  /** The registration that the directory was sent last, answered or not. */
  #sent: Promise<void> = Promise.resolve();
  #state: Registration['state'] = 'pending';
  #taken = new Deferred();
  #wasTaken = false;
  /** Whether the directory was ever asked to take it, with whatever answer. */
  #wasSent = false;
  /** As announced: it began to serve when it was ready, not when it was made. */
  #record: InstanceRecord;
  #isReady = false;
  #closing: Promise<void> | undefined;
  #problem = 'it has not answered';

  constructor(plan: RegistrationPlan) {
    this.#plan = plan;
    this.#record = plan.record;
    plan.scope.spawn('keep registered', () =>
      this.#run().catch((error: unknown) => this.#fail(error as Error)),
    );
  }

  get id(): string {
    return this.#plan.record.id;
  }

  get state(): Registration['state'] {
    return this.#state;
  }

  /** Whether callers have seen it, and need time to notice that it leaves. */
  get wasTaken(): boolean {
    return this.#wasTaken;
  }

  /** What kept the directory from taking it, the last time that was tried. */
  get problem(): string {
    return this.#problem;
  }

  registered(): Promise<void> {
    return this.#taken.promise;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #run(): Promise<void> {
    while (!this.#signal.aborted) {
      await this.#enter();
      await this.#stay();
    }
  }

  async #enter(): Promise<void> {
    const { instances, leaseMs, prepare } = this.#plan;
    const signal = this.#signal;
    for (let attempt = 0; !signal.aborted; attempt++) {
      try {
        await this.#call(prepare());
        await this.#ready();
        if (signal.aborted) return;
        await this.#call(this.#registering(instances.register(this.#record, leaseMs)));
        if (signal.aborted) return;
        this.#state = 'registered';
        this.#taken.resolve();
        return;
      } catch (error) {
        if (isPermanent(error)) throw error;
        this.#problem = reasonOf(error);
        await sleep(backoffMs(attempt, MAX_BACKOFF_MS), signal);
      }
    }
  }

  /** No time-out: how long a service takes to start is its own affair. */
  async #ready(): Promise<void> {
    const { ready } = this.#plan;
    if (ready === undefined || this.#isReady) return;
    await untilReady(ready, this.#signal, (why) => {
      this.#problem = `it is not ready (${why}).`;
    });
    if (this.#signal.aborted) return;
    this.#isReady = true;
    this.#record = Object.freeze({ ...this.#record, startedAt: Date.now() });
  }

  /** Renews until the lease is lost, which is mended by entering again. */
  async #stay(): Promise<void> {
    const { leaseMs, instances, record } = this.#plan;
    const signal = this.#signal;
    for (let failures = 0; !signal.aborted; ) {
      // A quarter to a third of the lease: two heartbeats may fail before it runs out.
      const pause = leaseMs / 4 + (leaseMs / 12) * Math.random();
      await sleep(failures === 0 ? pause : Math.min(pause, backoffMs(failures, MAX_BACKOFF_MS)), signal);
      if (signal.aborted) return;
      try {
        await this.#call(instances.renew(record.id));
        failures = 0;
      } catch (error) {
        this.#problem = reasonOf(error);
        if (isColorwayError(error) && error.code === 'COLORWAY_LEASE_LOST') {
          this.#state = 'pending';
          this.#taken = new Deferred();
          return;
        }
        if (isPermanent(error)) throw error;
        failures++;
      }
    }
  }

  /** One that is answered after the close is taken back. */
  async #registering(sent: Promise<void>): Promise<void> {
    this.#wasSent = true;
    this.#sent = sent.catch(() => {}); // Its outcome is the caller's; the close only waits for it.
    await sent;
    this.#wasTaken = true;
    if (this.#state === 'closed') await this.#plan.instances.deregister(this.id);
  }

  /** The close does not wait for an answer that nobody needs any more. */
  #call<T>(answer: Promise<T>): Promise<T> {
    const { callTimeoutMs } = this.#plan;
    const late = () =>
      new ColorwayError(
        'COLORWAY_DIRECTORY_FAILED',
        `The directory has not answered within ${callTimeoutMs} ms.`,
      );
    return within(callTimeoutMs, answer, late, { signal: this.#signal });
  }

  get #signal(): AbortSignal {
    return this.#plan.scope.signal;
  }

  #fail(error: Error): void {
    if (this.#signal.aborted) return;
    this.#state = 'closed';
    this.#problem = error.message;
    this.#taken.reject(error);
    // Nobody waits any more for one that stood once.
    if (this.#wasTaken) {
      const message = `Instance ${this.id} has left the directory: ${error.message}`;
      this.#plan.scope.reporter.error('COLORWAY_REGISTRATION_FAILED', message, { error });
    }
    this.#plan.onRefused();
    void this.#plan.scope.dispose();
  }

  async #close(): Promise<void> {
    this.#state = 'closed';
    const { scope, instances, leaseMs, callTimeoutMs } = this.#plan;
    const ms = Math.min(MAX_CLOSE_MS, callTimeoutMs);
    const ended = scope.dispose();
    this.#taken.reject(new ColorwayError('COLORWAY_CLOSED', `The registration of ${this.id} is closed.`));
    await ended;
    if (!this.#wasSent) return;
    // A registration under way is waited for first: it would put the instance back. One that lands later takes itself back.
    const late = () =>
      new ColorwayError('COLORWAY_DIRECTORY_FAILED', `the directory has not answered within ${ms} ms`);
    const settled = within(ms / 2, this.#sent, late).catch(() => {}); // Whatever became of it, it is taken out.
    const leaving = settled.then(() => instances.deregister(this.id));
    await within(ms, leaving, late, { keepsAlive: true }).catch((error: unknown) => {
      const message = `Instance ${this.id} could not be deregistered: ${reasonOf(error)}. Callers see it until its lease of ${leaseMs} ms runs out.`;
      scope.reporter.warn('COLORWAY_DEREGISTER_FAILED', message, { error });
    });
  }
}

function isPermanent(error: unknown): boolean {
  return isColorwayError(error) && PERMANENT.includes(error.code);
}
