import type { Color } from '@colorway/core';
import { type Scope, unlessAborted } from '@colorway/core/background';
import type { Environments } from '../environments/index.js';

/** The most that lies between two looks. */
const HOUR_MS = 3_600_000;

/** Of many instances that keep an environment, one or two write in the time in which each looks once. */
export function prolong(environments: Environments, color: Color, ttlMs: number): Promise<void> {
  return environments.prolong(color, { ttlMs, minGainMs: lookEvery(ttlMs) / 2 });
}

function lookEvery(ttlMs: number): number {
  return Math.min(ttlMs / 4, HOUR_MS);
}

/**
 * An environment that a living instance belongs to does not expire: its memberships would go, and the
 * next crash would become a silent fallback (law 2). One that somebody deleted stays deleted.
 *
 * @param environments on a store with a time limit for each call.
 */
export function keepEnvironment(scope: Scope, environments: Environments, color: Color, ttlMs: number): void {
  const { reporter } = scope;
  const subject = `To extend environment ${color}`;
  const look = async (signal: AbortSignal): Promise<void> => {
    try {
      await unlessAborted(signal, prolong(environments, color, ttlMs));
      reporter.working('COLORWAY_UPKEEP_FAILED', subject);
    } catch (error) {
      if (!signal.aborted) reporter.failing('COLORWAY_UPKEEP_FAILED', subject, error);
    }
  };
  scope.every(lookEvery(ttlMs), `keep environment ${color}`, look);
}
