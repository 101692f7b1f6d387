/**
 * Counts the time during which this process was looking, by the monotonic clock. A wall clock that jumps
 * does not touch it, and a pause (a debugger, SIGSTOP, a suspended machine) counts as one step at most: it
 * would be wrong to call others silent for a time in which nobody listened.
 */
export class ObservedClock {
  readonly #monotonic: () => number;
  #last: number;
  #ms = 0;

  constructor(monotonic: () => number = () => performance.now()) {
    this.#monotonic = monotonic;
    this.#last = monotonic();
  }

  /** Milliseconds of observed time, after a look that came at most `maxStepMs` after the last one. */
  advance(maxStepMs: number): number {
    const now = this.#monotonic();
    this.#ms += Math.min(now - this.#last, maxStepMs);
    this.#last = now;
    return this.#ms;
  }
}
