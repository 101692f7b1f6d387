import {
  type Color,
  discardedOf,
  type LeaveWait,
  type Subscription,
  standingWait,
  subscriptionId,
} from '@colorway/core';

/** How far one group, topic or queue of a service is. */
export interface LeaveProgress {
  readonly service: string;
  readonly color: Color;
  /** `kafka`, `amqp`, ... */
  readonly broker: string;
  /** The group or queue as the baseline names it. */
  readonly group: string;
  /** `undefined` for a queue. */
  readonly topic: string | undefined;
  readonly state: 'leaving' | 'left';
  /** At most so many messages are still to be handled; `undefined` while nobody has said. */
  readonly remaining: number | undefined;
  /** Follows 'waits for': `a consumer of GID_order`. `undefined` where it has left, or waits for nothing. */
  readonly waitingFor: string | undefined;
  /** When it began to wait for that, in milliseconds since the epoch. */
  readonly since: number | undefined;
  /** What to do about it, in sentences; `undefined` where time alone ends the wait. */
  readonly remedy: string | undefined;
}

/** @param wait what it waits for, where that is not what its record says. */
export function progressOf(
  subscription: Subscription,
  state: LeaveProgress['state'],
  now: number,
  wait: (LeaveWait & { readonly since: number }) | undefined = standingWait(subscription, now),
): LeaveProgress {
  const { service, color, broker, group, topic, remaining } = subscription;
  const name = { service, color, broker, group, topic, state };
  if (state === 'left') {
    return { ...name, remaining: undefined, waitingFor: undefined, since: undefined, remedy: undefined };
  }
  return { ...name, remaining, waitingFor: wait?.waitingFor, since: wait?.since, remedy: wait?.remedy };
}

/** How many messages were given up in all. Services that share a group or queue have each recorded the same ones. */
export function discardedIn(subscriptions: Iterable<Subscription>): number {
  const byTarget = new Map<string, Record<string, number>>();
  for (const { discarded = {}, ...one } of subscriptions) {
    const id = `${one.color} ${one.cluster ?? ''} ${subscriptionId(one)}`;
    const parts = byTarget.get(id) ?? {};
    for (const [part, messages] of Object.entries(discarded)) {
      parts[part] = Math.max(parts[part] ?? 0, messages);
    }
    byTarget.set(id, parts);
  }
  return [...byTarget.values()].reduce((sum, discarded) => sum + discardedOf({ discarded }), 0);
}
