export interface RetryBudgetRules {
  /** Retries allowed for each request: 0.2 is one for five. */
  readonly share: number;
  /** Retries a second that are always allowed, so that a client with little traffic can retry at all. */
  readonly minPerSecond: number;
  /** How long an unused allowance stands. */
  readonly ttlMs: number;
}

const SLICES = 10;

/**
 * Keeps retries a small share of the requests, so that they never multiply the load of a service that is in
 * trouble. A token bucket whose tokens expire, after Finagle's `RetryBudget`.
 */
export class RetryBudget {
  /** What a request brings in, and what a retry takes: 1 and 5 rather than 0.2 and 1, which add up exactly. */
  readonly #deposit: number;
  readonly #price: number;
  readonly #reserve: number;
  readonly #sliceMs: number;
  /** Allowance less retries, by the slice of time in which they came. */
  readonly #slices = new Float64Array(SLICES);
  #slice = Number.NEGATIVE_INFINITY;

  constructor({ share, minPerSecond, ttlMs }: RetryBudgetRules) {
    this.#deposit = share > 0 ? 1 : 0;
    this.#price = share > 0 ? 1 / share : 1;
    this.#reserve = ((minPerSecond * ttlMs) / 1_000) * this.#price;
    this.#sliceMs = ttlMs / SLICES;
  }

  /** Counts a request. */
  deposit(now: number): void {
    this.#add(this.#deposit, now);
  }

  /** Takes the allowance for one retry; false when there is none. */
  withdraw(now: number): boolean {
    this.#expire(now);
    let balance = this.#reserve;
    for (const slice of this.#slices) balance += slice;
    if (balance < this.#price) return false;
    this.#add(-this.#price, now);
    return true;
  }

  #add(amount: number, now: number): void {
    this.#expire(now);
    const at = this.#slice % SLICES;
    this.#slices[at] = (this.#slices[at] ?? 0) + amount;
  }

  #expire(now: number): void {
    const slice = Math.max(Math.floor(now / this.#sliceMs), 0);
    if (slice <= this.#slice) return;
    if (slice - this.#slice >= SLICES) this.#slices.fill(0);
    else for (let gone = this.#slice + 1; gone <= slice; gone++) this.#slices[gone % SLICES] = 0;
    this.#slice = slice;
  }
}
