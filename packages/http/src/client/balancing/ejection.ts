/** When an endpoint is taken out, and for how long. Envoy's outlier detection, its defaults. */
export interface EjectionRules {
  /** Failures in a row that take an endpoint out; 0 turns ejection off. */
  readonly consecutiveFailures: number;
  /** Out for this long, times how often it was ejected. */
  readonly baseMs: number;
  readonly maxMs: number;
  /** At most this share of a set is out, rounded down: never the last one. */
  readonly maxShare: number;
}

/** The failures of one endpoint in the eyes of one color, and until when they keep it out. */
export class Ejection {
  readonly #rules: EjectionRules;
  #failures = 0;
  #times = 0;
  #until = Number.NEGATIVE_INFINITY;

  constructor(rules: EjectionRules) {
    this.#rules = rules;
  }

  get until(): number {
    return this.#until;
  }

  isOut(now: number): boolean {
    return now < this.#until;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  /** Whether this failure took the endpoint out. */
  failed(now: number): boolean {
    const { consecutiveFailures, baseMs, maxMs } = this.#rules;
    if (consecutiveFailures === 0 || this.isOut(now) || ++this.#failures < consecutiveFailures) return false;
    this.#failures = 0;
    /* Time spent in since the last ejection is forgiven step by step, as in Envoy. */
    if (this.#times > 0) this.#times -= Math.min(this.#times, Math.floor((now - this.#until) / baseMs));
    this.#times++;
    this.#until = now + Math.min(baseMs * this.#times, maxMs);
    return true;
  }
}

/** What {@link admitted} must know of an endpoint. */
export interface Ejectable {
  /** By our steady clock; in the past where it is in. */
  readonly outUntil: number;
}

/**
 * Those of a set that may be chosen: all but the ejected, and of these, where more than the allowed share is
 * out, the ones whose time is over soonest. Never empty for a set that is not (law 7).
 */
export function admitted<E extends Ejectable>(set: readonly E[], now: number, maxShare: number): E[] {
  const out = set.filter(({ outUntil }) => now < outUntil);
  const allowed = Math.min(Math.floor(set.length * maxShare), set.length - 1);
  if (out.length > allowed) {
    out.sort((a, b) => b.outUntil - a.outUntil);
    out.length = Math.max(allowed, 0);
  }
  return set.filter((endpoint) => !out.includes(endpoint));
}
