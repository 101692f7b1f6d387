import type { Color, Instance } from '@colorway/core';
import type { Balancing } from './balancing-options.js';
import type { Clock } from './clock.js';
import { Age, slowStartShare } from './slow-start.js';
import { type Shared, Standing } from './standing.js';

/** Colors come from requests; what is known of more than so many at one instance is forgotten, the oldest first. */
const MAX_COLORS = 64;

/** An instance that says it is another one is asked again after this, in case its record is never told anew. */
const MISDIRECTED_MS = 10_000;

/**
 * One instance as this client has come to know it: its connections, and how it stands with each color that calls it.
 * `Transport` is what holds its connections.
 */
export class Endpoint<Transport> implements Shared<Transport> {
  readonly transport: Transport;
  readonly #balancing: Balancing;
  readonly #age: Age;
  readonly #standings = new Map<Color | undefined, Standing<Transport>>();
  instance: Instance;
  /** The share of the traffic now: the instance's weight, less while it is new. */
  weight: number;
  closed = false;
  #outForAllUntil = Number.NEGATIVE_INFINITY;
  /** The record that it has disowned. */
  #disowned: Instance | undefined;
  #disownedUntil = Number.NEGATIVE_INFINITY;
  answeredAt = Number.NEGATIVE_INFINITY;

  constructor(instance: Instance, transport: Transport, balancing: Balancing, clock: Clock) {
    const now = clock.now();
    this.instance = instance;
    this.transport = transport;
    this.weight = instance.weight;
    this.#balancing = balancing;
    this.#age = new Age(instance.startedAt, balancing.slowStart.windowMs, { now, wall: clock.wall() });
  }

  standing(color: Color | undefined, now: number): Standing<Transport> {
    let standing = this.#standings.get(color);
    if (standing === undefined) {
      standing = new Standing(this, this.#balancing.ejection, now);
      if (this.#standings.size >= MAX_COLORS) this.#forgetOldest();
      this.#standings.set(color, standing);
    }
    return standing;
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
    return this.#age.at(now) < this.#balancing.slowStart.windowMs;
  }

  weigh(now: number, eased: boolean): void {
    const share = eased ? slowStartShare(this.#age.at(now), this.#balancing.slowStart) : 1;
    this.weight = this.instance.weight * share;
  }

  get outForAllUntil(): number {
    return this.#outForAllUntil;
  }

  ejectedFor(standing: Standing<Transport>, now: number): void {
    for (const other of this.#standings.values()) {
      if (other === standing || !other.ejection.isOut(now)) continue;
      const until = Math.min(standing.ejection.until, other.ejection.until);
      this.#outForAllUntil = Math.max(this.#outForAllUntil, until);
    }
  }

  disown(now: number): void {
    this.#disowned = this.instance;
    this.#disownedUntil = now + MISDIRECTED_MS;
  }

  get disownedUntil(): number {
    return this.#disowned === this.instance ? this.#disownedUntil : Number.NEGATIVE_INFINITY;
  }

  #forgetOldest(): void {
    for (const [color, { inFlight }] of this.#standings) {
      if (inFlight > 0 || color === undefined) continue;
      this.#standings.delete(color);
      return;
    }
  }
}
