import type { SubscriptionTarget } from '@colorway/core';

/** A group or queue of another broker is another one; where nobody has said which, the names decide. */
export function isSameBroker(
  cluster: string | undefined,
  { cluster: theirs }: Pick<SubscriptionTarget, 'cluster'>,
): boolean {
  return cluster === undefined || theirs === undefined || cluster === theirs;
}
