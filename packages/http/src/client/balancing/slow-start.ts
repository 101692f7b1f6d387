/** How a new instance is eased in. */
export interface SlowStart {
  /** How long an instance counts as new; 0 turns slow start off. */
  readonly windowMs: number;
  /** 1 grows evenly; above 1, faster in the beginning. */
  readonly aggression: number;
  /** The share of its weight that an instance has at least. */
  readonly minShare: number;
}

/**
 * The share of its weight that an instance of this age gets, by Envoy's formula (Slow start mode, Envoy's
 * load balancing documentation): `max(minShare, (max(age, 1 s) / window) ^ (1 / aggression))`.
 */
export function slowStartShare(ageMs: number, { windowMs, aggression, minShare }: SlowStart): number {
  if (ageMs >= windowMs) return 1;
  const time = Math.min(Math.max(ageMs, 1_000) / windowMs, 1);
  return Math.max(minShare, time ** (1 / aggression));
}

/**
 * An instance's age, from what another machine's clock says of its start. That clock may be wrong: the age is
 * clamped when the instance is first seen, and grows by our own steady clock from there.
 */
export class Age {
  readonly #atFirstSight: number;
  readonly #seenAt: number;

  /** @param clampMs above this an age makes no difference. */
  constructor(startedAt: number, clampMs: number, clock: { now: number; wall: number }) {
    const age = clock.wall - startedAt;
    this.#atFirstSight = age > 0 ? Math.min(age, clampMs) : 0;
    this.#seenAt = clock.now;
  }

  /** In milliseconds. */
  at(now: number): number {
    return this.#atFirstSight + Math.max(now - this.#seenAt, 0);
  }
}
