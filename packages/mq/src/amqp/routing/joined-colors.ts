import type { Color, Coloring, SubscriptionTarget } from '@colorway/core';
import { leavingOf } from '../../leaving/index.js';

/**
 * Whether a color consumes a queue, from what is known here: the directory's view of memberships, and the records of who
 * consumes what. `unknown` is worth a question to the broker. Colors come from outside, in any number: one that the
 * directory does not know never is.
 */
export function consumes(
  coloring: Coloring,
  target: SubscriptionTarget,
  color: Color,
): 'yes' | 'no' | 'unknown' {
  const { directory, service } = coloring;
  // Without memberships nothing says who is one.
  if (directory.state === undefined || coloring.scope.isDisposed) return 'unknown';
  const recorded = leavingOf(coloring)?.subscription(target, color);
  if (recorded !== undefined) return recorded.state === 'joined' ? 'yes' : 'no';
  const view = coloring.view();
  return view.services.get(service)?.colored.get(color) === undefined ? 'no' : 'unknown';
}
