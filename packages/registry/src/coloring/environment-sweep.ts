import type { StateStore } from '@colorway/core';
import { type Scope, unlessAborted } from '@colorway/core/background';
import { endExpired } from '../environments/index.js';

const EVERY_MS = 60_000;

/**
 * Ends expired environments about once a minute, until the scope ends. Of all processes that sweep, one ends each.
 * Each environment is ended by itself; one that cannot be is reported once, tried again a minute later, and reported
 * when it works.
 *
 * @param state with a time limit for each call.
 */
export function startSweep(scope: Scope, state: StateStore): void {
  const { reporter } = scope;
  const outcome = (subject: string, error: unknown): void => {
    if (error === undefined) reporter.working('COLORWAY_SWEEP_FAILED', subject);
    else reporter.failing('COLORWAY_SWEEP_FAILED', subject, error);
  };
  const sweep = async (signal: AbortSignal): Promise<void> => {
    const subject = 'To end expired environments';
    try {
      await unlessAborted(signal, endExpired(state, Date.now(), outcome, signal));
      outcome(subject, undefined);
    } catch (error) {
      if (!signal.aborted) outcome(subject, error);
    }
  };
  // Spread over time, so that many processes do not come at once.
  scope.every(EVERY_MS * (0.5 + Math.random()), 'expiry of environments', sweep);
}
