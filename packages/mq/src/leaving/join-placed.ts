import type { SubscriptionTarget } from '@colorway/core';
import { CONFLICT, retryConflicts } from '@colorway/core/background';
import type { Leaving } from './leaving.js';

/**
 * Joins where no other broker's record stands, and again where a consumer at another broker was faster to take the key.
 * `target` says which key that is.
 */
export function joinPlaced(
  leaving: Leaving,
  wanted: SubscriptionTarget,
): Promise<{ readonly target: SubscriptionTarget; readonly outcome: 'joined' | 'leaving' }> {
  return retryConflicts(`The subscription of ${wanted.group}`, async () => {
    const target = await leaving.place(wanted);
    const outcome = await leaving.join([target]);
    return outcome === 'taken' ? CONFLICT : { target, outcome };
  });
}
