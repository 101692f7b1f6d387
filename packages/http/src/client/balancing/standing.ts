import type { Color, Instance, Weighted } from '@colorway/core';
import { Ejection, type EjectionRules } from './ejection.js';
import { Outstanding, type Ticket } from './outstanding.js';
import { PeakEwma } from './peak-ewma.js';

/** A failure counts as at least this latency: one that fails fast must not look like the best of its set. */
const FAILURE_LATENCY_MS = 100;

/** A deadline that is shorter says more of the caller than of the instance. */
const TELLING_DEADLINE_MS = 1_000;

/** What the standings of one instance share: its connections, and what holds for every color. */
export interface Shared<Transport> {
  readonly instance: Instance;
  readonly transport: Transport;
  /** Gone from the directory: takes no further request. */
  readonly closed: boolean;
  readonly weight: number;
  /** Until when several colors have found that it fails: out for all. */
  readonly outForAllUntil: number;
  /** Until when its record is not used, unless the directory tells of it anew. */
  readonly disownedUntil: number;
  /** When it last answered anybody. */
  answeredAt: number;
  /** How it stands with calls of this color, or, with `undefined`, of none. */
  standing(color: Color | undefined, now: number): Standing<Transport>;
  isNew(now: number): boolean;
  /** Sets the weight: in full, or as much as its age allows. */
  weigh(now: number, eased: boolean): void;
  /** A color has found that it fails. What one color sees may be that color's own; what two see is the instance. */
  ejectedFor(standing: Standing<Transport>, now: number): void;
  /** It has answered that it is another one than its record says: the address is used again. */
  disown(now: number): void;
}

/**
 * How an instance stands with the calls of one color. A shared instance passes on what happens behind it, and that
 * differs by color: one broken environment must not turn the others away from it.
 */
export class Standing<Transport> implements Weighted {
  readonly endpoint: Shared<Transport>;
  readonly ejection: Ejection;
  readonly #latency: PeakEwma;
  readonly #outstanding = new Outstanding();
  inFlight = 0;

  constructor(endpoint: Shared<Transport>, rules: EjectionRules, now: number) {
    this.endpoint = endpoint;
    this.ejection = new Ejection(rules);
    this.#latency = new PeakEwma(now);
  }

  get instance(): Instance {
    return this.endpoint.instance;
  }

  get transport(): Transport {
    return this.endpoint.transport;
  }

  get closed(): boolean {
    return this.endpoint.closed;
  }

  get weight(): number {
    return this.endpoint.weight;
  }

  get outUntil(): number {
    return Math.max(this.ejection.until, this.endpoint.outForAllUntil);
  }

  /** See {@link PeakEwma.cost}. */
  cost(now: number): number {
    return this.#latency.cost(this.inFlight, now, this.#outstanding.age(now));
  }

  /** A request goes out. Give back what it returns to one of the four below, once. */
  began(now: number): Ticket {
    this.inFlight++;
    return this.#outstanding.add(now);
  }

  succeeded(ticket: Ticket, latency: number, now: number): void {
    this.#outstanding.remove(ticket);
    this.endpoint.answeredAt = now;
    this.ejection.succeeded();
    this.#latency.observe(latency, now);
  }

  /** It answered that it refuses, or that somebody behind it does: alive, and nothing is known of its speed. */
  refused(ticket: Ticket, now: number): void {
    this.#outstanding.remove(ticket);
    this.endpoint.answeredAt = now;
    this.ejection.succeeded();
  }

  /** Whether this failure took it out. */
  failed(ticket: Ticket, latency: number, now: number): boolean {
    this.#outstanding.remove(ticket);
    this.#latency.observeAtLeast(Math.max(latency, FAILURE_LATENCY_MS), now);
    if (!this.ejection.failed(now)) return false;
    this.endpoint.ejectedFor(this, now);
    return true;
  }

  /** The caller gave up: the latency was at least this, and nothing else is known. */
  abandoned(ticket: Ticket, latency: number, now: number): void {
    this.#outstanding.remove(ticket);
    this.#latency.observeAtLeast(latency, now);
  }

  /** Whether a deadline that passed speaks against the instance: it was long, and nobody got an answer meanwhile. */
  hangs(latency: number, now: number): boolean {
    return latency >= TELLING_DEADLINE_MS && this.endpoint.answeredAt < now - latency;
  }

  /** The request is over, whatever came of it. */
  ended(): void {
    this.inFlight--;
  }
}
