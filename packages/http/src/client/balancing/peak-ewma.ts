/** Time after which an old latency counts for 1/e of what it was. Finagle's default. */
const DECAY_MS = 10_000;

/** Cost of an endpoint that was tried and has not answered yet: above every real one, so that it is not flooded. */
const UNKNOWN = 2 ** 40;

/**
 * The latency of one endpoint as a peak-sensitive moving average, after Finagle's `PeakEwma`: a higher
 * value counts at once, a lower one gradually, and with time all is forgotten, so that an endpoint that was
 * slow is tried again.
 */
export class PeakEwma {
  #latency = 0;
  #stamp: number;

  constructor(now: number) {
    this.#stamp = now;
  }

  /** Takes in one measured latency, in milliseconds. */
  observe(latency: number, now: number): void {
    const kept = Math.exp(-Math.max(now - this.#stamp, 0) / DECAY_MS);
    this.#latency = latency > this.#latency ? latency : this.#latency * kept + latency * (1 - kept);
    this.#stamp = now;
  }

  /** Takes in a latency of at least this, which may raise the average but says nothing good. */
  observeAtLeast(latency: number, now: number): void {
    this.#decay(now);
    if (latency > this.#latency) this.#latency = latency;
  }

  /**
   * What one more request would cost: latency times the requests that would then be in flight. Without any
   * history it is 0 while idle, so that a new endpoint is tried, and above all others until it has answered.
   *
   * @param waiting how long the oldest request waits for its answer, in milliseconds: the latency is at least that.
   * What is known decays while requests are out, and an instance that hangs would look like the best of its set.
   */
  cost(inFlight: number, now: number, waiting = 0): number {
    this.#decay(now);
    if (this.#latency === 0 && inFlight > 0) return UNKNOWN + inFlight;
    return Math.max(waiting, this.#latency) * (inFlight + 1);
  }

  #decay(now: number): void {
    const elapsed = now - this.#stamp;
    if (elapsed <= 0) return;
    this.#latency *= Math.exp(-elapsed / DECAY_MS);
    this.#stamp = now;
  }
}
