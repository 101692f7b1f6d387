import type { Instance, Weighted } from '@colorway/core';
import type { Balancing } from './balancing-options.js';
import type { Clock } from './clock.js';
import { Ejection } from './ejection.js';
import { PeakEwma } from './peak-ewma.js';
import { Age, slowStartShare } from './slow-start.js';

/** A failure counts as at least this latency: one that fails fast must not look like the best of its set. */
const FAILURE_LATENCY_MS = 100;

/**
 * One instance as this client has come to know it. `Transport` is what holds its connections.
 */
export class Endpoint<Transport> implements Weighted {
  readonly transport: Transport;
  readonly ejection: Ejection;
  readonly #slowStart: Balancing['slowStart'];
  readonly #age: Age;
  readonly #latency: PeakEwma;
  instance: Instance;
  /** The share of the traffic now: the instance's weight, less while it is new. */
  weight: number;
  inFlight = 0;
  /** Gone from the directory: takes no further request. */
  closed = false;

  constructor(instance: Instance, transport: Transport, { slowStart, ejection }: Balancing, clock: Clock) {
    const now = clock.now();
    this.instance = instance;
    this.transport = transport;
    this.weight = instance.weight;
    this.ejection = new Ejection(ejection);
    this.#slowStart = slowStart;
    this.#age = new Age(instance.startedAt, slowStart.windowMs, { now, wall: clock.wall() });
    this.#latency = new PeakEwma(now);
  }

  /** Whether this is still the same: same address, so that its connections fit, and same color, so that no retry strays. */
  isSame({ service, color, host, port, secure }: Instance): boolean {
    const mine = this.instance;
    return (
      mine.service === service &&
      mine.color === color &&
      mine.host === host &&
      mine.port === port &&
      mine.secure === secure
    );
  }

  isNew(now: number): boolean {
    return this.#age.at(now) < this.#slowStart.windowMs;
  }

  /** Sets the weight: in full, or as much as its age allows. */
  weigh(now: number, eased: boolean): void {
    const share = eased ? slowStartShare(this.#age.at(now), this.#slowStart) : 1;
    this.weight = this.instance.weight * share;
  }

  /** See {@link PeakEwma.cost}. */
  cost(now: number): number {
    return this.#latency.cost(this.inFlight, now);
  }

  succeeded(latency: number, now: number): void {
    this.ejection.succeeded();
    this.#latency.observe(latency, now);
  }

  /** Whether this failure took it out. */
  failed(latency: number, now: number): boolean {
    this.#latency.observeAtLeast(Math.max(latency, FAILURE_LATENCY_MS), now);
    return this.ejection.failed(now);
  }

  /** The caller gave up: the latency was at least this, and nothing else is known. */
  abandoned(latency: number, now: number): void {
    this.#latency.observeAtLeast(latency, now);
  }
}
