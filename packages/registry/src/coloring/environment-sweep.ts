import { ColorwayError } from '@colorway/core';
import { within } from '@colorway/core/background';
import type { Environments } from '../environments/index.js';
import { reasonOf, warn } from '../warn.js';

const EVERY_MS = 60_000;

/** Ends expired environments about once a minute. Of all processes that sweep, one ends each. */
export class EnvironmentSweep {
  readonly #environments: Environments;
  #timer: NodeJS.Timeout;
  #closed = false;
  #failing = false;

  constructor(environments: Environments) {
    this.#environments = environments;
    this.#timer = this.#wait();
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Spread over time, so that many processes do not come at once. */
  #wait(): NodeJS.Timeout {
    return setTimeout(() => void this.#sweep(), EVERY_MS * (0.5 + Math.random())).unref();
  }

  async #sweep(): Promise<void> {
    try {
      await within(EVERY_MS, this.#environments.endExpired(), unanswered);
      this.#failing = false;
    } catch (error) {
      if (!this.#failing && !this.#closed) {
        warn(
          'COLORWAY_SWEEP_FAILED',
          `Expired environments could not be ended: ${reasonOf(error)} The next minute tries again.`,
        );
      }
      this.#failing = true;
    }
    if (!this.#closed) this.#timer = this.#wait();
  }
}

function unanswered(): ColorwayError {
  return new ColorwayError(
    'COLORWAY_DIRECTORY_FAILED',
    `The directory has not answered within ${EVERY_MS} ms.`,
  );
}
