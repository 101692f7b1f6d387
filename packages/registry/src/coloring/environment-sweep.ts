import type { Color, DirectoryView, StateStore } from '@colorway/core';
import { type Scope, unlessAborted } from '@colorway/core/background';
import { type Environments, endExpired } from '../environments/index.js';

const EVERY_MS = 60_000;

/** An environment with living instances is kept for this much longer at a time. */
const KEPT_MS = 3_600_000;

/** What a sweep must know to leave the living alone. */
export interface Alive {
  /** On a store with a time limit for each call. */
  readonly environments: Environments;
  readonly view: () => DirectoryView;
}

/**
 * Keeps the environments that are about to expire and have living instances, whoever runs these: services in other
 * languages keep nothing themselves, and once their memberships are gone calls slide to the baseline (law 2).
 */
export async function keepLiving({ environments, view }: Alive, now: number): Promise<void> {
  const living = livingColors(view());
  if (living.size === 0) return;
  for (const { color, expiresAt } of await environments.list()) {
    if (living.has(color) && expiresAt < now + 3 * EVERY_MS)
      await environments.prolong(color, { ttlMs: KEPT_MS });
  }
}

function livingColors({ services }: DirectoryView): ReadonlySet<Color> {
  const living = new Set<Color>();
  for (const [, { colored }] of services.entries())
    for (const [color, { kind }] of colored.entries()) if (kind === 'colored') living.add(color);
  return living;
}

/**
 * Ends expired environments about once a minute, until the scope ends. Of all processes that sweep, one ends each.
 * Each environment is ended by itself; one that cannot be is reported once, tried again a minute later, and reported
 * when it works.
 *
 * @param state with a time limit for each call.
 */
export function startSweep(scope: Scope, state: StateStore, alive: Alive): void {
  const { reporter } = scope;
  const outcome = (subject: string, error: unknown): void => {
    if (error === undefined) reporter.working('COLORWAY_SWEEP_FAILED', subject);
    else reporter.failing('COLORWAY_SWEEP_FAILED', subject, error);
  };
  const sweep = async (signal: AbortSignal): Promise<void> => {
    const subject = 'To end expired environments';
    try {
      await unlessAborted(signal, keepLiving(alive, Date.now()));
      await unlessAborted(signal, endExpired(state, Date.now(), outcome, signal));
      outcome(subject, undefined);
    } catch (error) {
      if (!signal.aborted) outcome(subject, error);
    }
  };
  // Spread over time, so that many processes do not come at once.
  scope.every(EVERY_MS * (0.5 + Math.random()), 'expiry of environments', sweep);
}
