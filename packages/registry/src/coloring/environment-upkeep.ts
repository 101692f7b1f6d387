import type { Color } from '@colorway/core';
import type { Environments } from '../environments/index.js';
import { reasonOf, warn } from '../warn.js';

/** The most that lies between two looks. */
const HOUR_MS = 3_600_000;

/**
 * An environment that a living instance belongs to does not expire: its memberships would go, and the
 * next crash would become a silent fallback (law 2). One that somebody deleted stays deleted.
 */
export class EnvironmentUpkeep {
  readonly #timer: NodeJS.Timeout;

  constructor(environments: Environments, color: Color, ttlMs: number) {
    const prolong = () => {
      environments.prolong(color, { ttlMs }).catch((error: unknown) => {
        warn('COLORWAY_UPKEEP_FAILED', `Environment "${color}" could not be extended: ${reasonOf(error)}`);
      });
    };
    this.#timer = setInterval(prolong, Math.min(ttlMs / 4, HOUR_MS)).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
