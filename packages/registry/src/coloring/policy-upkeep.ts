import type { StateStore } from '@colorway/core';
import { type Scope, unlessAborted } from '@colorway/core/background';
import { readPolicy, whoSet } from '../environments/index.js';
import type { WatchedView } from './watched-view.js';

const EVERY_MS = 60_000;

/**
 * Holds the weights of a view to the policy of the directory: at once, and as it is about a minute later. A watch would cost
 * each process a stream or a waiting request for what changes a few times a year.
 *
 * @param state with a time limit for each call.
 */
export function followPolicy(scope: Scope, state: StateStore, view: WatchedView): void {
  const look = async (signal: AbortSignal): Promise<void> => {
    try {
      const policy = await unlessAborted(signal, readPolicy(state, scope.reporter));
      view.boundWeights(policy.bounds.maxWeight, whoSet(policy, 'maxWeight'));
    } catch {
      // The directory is away, which the view says; the last bound stands.
    }
  };
  scope.spawn('read the policy', look);
  scope.every(EVERY_MS * (0.5 + Math.random()), 'read the policy', look);
}
