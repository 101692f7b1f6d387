import type { StateEntry } from './directory.js';
import { type OnLeave, waitsForConsumer } from './leave-wait.js';
import { parseSubscriptionKey, type SubscriptionName, subscriptionId } from './subscription-key.js';
import { warnOnce } from './warn-once.js';

/**
 * The recorded fact that a service consumes a group, a topic or a queue in a color. It outlives the
 * processes that consume, as a membership does: where the membership ends, it says what has to leave.
 */
export interface Subscription extends SubscriptionName {
  /**
   * `joined`; `leaving` when the membership ended: consumers of the service bring it to an end; `left` when
   * nothing of the color is left at the broker. From `left`, or from no record at all, it may be joined again.
   */
  readonly state: 'joined' | 'leaving' | 'left';
  /** What becomes of messages that wait; from `leaving` on. */
  readonly onLeave?: OnLeave;
  /** Taken out by its name while the membership stands: its consumers do not come back by themselves. */
  readonly detached?: boolean;
  /** At most so many messages are still to be handled, as far as anybody has said. */
  readonly remaining?: number;
  /** Messages that were, or are about to be, given up, by part: where in which partition; a queue is part `0`. */
  readonly discarded?: Readonly<Record<string, number>>;
  /** What the leaving waits for, for people; follows 'waits for'. */
  readonly waitingFor?: string;
  /** When it began to wait for that, in milliseconds since the epoch. */
  readonly since?: number;
  /** What to do about it, in sentences for people; none where time alone ends the wait. */
  readonly remedy?: string;
  /** When a consumer last said that it works on the leaving, in milliseconds since the epoch. */
  readonly servedAt?: number;
  /** Which broker: Kafka's cluster id, RabbitMQ's cluster and virtual host. `undefined` while unknown. */
  readonly cluster?: string;
  /** When the state was written, in milliseconds since the epoch. */
  readonly at: number;
}

/** The value to be kept under the subscription's key. */
export function formatSubscription({ service: _, color: __, ...value }: Subscription): string {
  return JSON.stringify(value);
}

/** `undefined`, with one warning, for what cannot be read: a newer version may have written it, so it is left alone. */
export function parseSubscription({ key, value }: StateEntry): Subscription | undefined {
  const name = parseSubscriptionKey(key);
  if (name === undefined) return undefined;
  const read = parseValue(value);
  if (read !== undefined && subscriptionId(read) === name.id) {
    return Object.freeze({ service: name.service, color: name.color, ...read });
  }
  warnOnce(
    'COLORWAY_SUBSCRIPTION_UNREADABLE',
    `The directory key ${JSON.stringify(key)} does not hold a subscription and is left alone. A newer version may have written it; upgrade this one, or delete the key.`,
    key,
  );
  return undefined;
}

/** The subscription, leaving from now on; nobody has taken that up yet. */
export function leavingSubscription(
  { service, color, broker, group, topic, cluster, apart }: Subscription,
  onLeave: OnLeave,
  at: number,
  detached = false,
): Subscription {
  const whose = { service, color, broker, group, ...(topic !== undefined && { topic }) };
  return {
    ...whose,
    ...(cluster !== undefined && { cluster }),
    ...(apart === true && { apart }),
    ...{ state: 'leaving', onLeave, at, since: at, ...firstWait({ ...whose, onLeave }) },
    ...(detached && { detached }),
  };
}

/** One that is being drained, to be discarded from now on; `undefined` for any other. There is no way back. */
export function discardingSubscription(standing: Subscription, at: number): Subscription | undefined {
  if (standing.state !== 'leaving' || standing.onLeave === 'discard') return undefined;
  const { remaining, detached, discarded } = standing;
  return {
    ...leavingSubscription(standing, 'discard', at, detached),
    ...(remaining !== undefined && { remaining }),
    ...(discarded !== undefined && { discarded }),
  };
}

function firstWait(whose: Parameters<typeof waitsForConsumer>[0]): { waitingFor: string; remedy: string } {
  const { waitingFor = '', remedy = '' } = waitsForConsumer(whose);
  return { waitingFor, remedy };
}

/** How many messages were given up in all. */
export function discardedOf({ discarded = {} }: Pick<Subscription, 'discarded'>): number {
  return Object.values(discarded).reduce((sum, messages) => sum + messages, 0);
}

type Value = Omit<Subscription, 'service' | 'color'>;

function parseValue(text: string): Value | undefined {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof read !== 'object' || read === null) return undefined;
  const fields = read as Readonly<Record<string, unknown>>;
  const { broker, group, topic, state, onLeave, detached, remaining, at } = fields;
  const { waitingFor, since, remedy, servedAt, cluster, apart } = fields;
  if (typeof broker !== 'string' || typeof group !== 'string' || !isCount(at)) return undefined;
  if (topic !== undefined && typeof topic !== 'string') return undefined;
  if (state !== 'joined' && state !== 'leaving' && state !== 'left') return undefined;
  if (onLeave !== undefined && onLeave !== 'drain' && onLeave !== 'discard') return undefined;
  const discarded = parseCounts(fields.discarded);
  return {
    ...{ broker, group, state, at },
    ...(topic !== undefined && { topic }),
    ...(onLeave !== undefined && { onLeave }),
    ...(detached === true && { detached }),
    ...(isCount(remaining) && { remaining }),
    ...(discarded !== undefined && { discarded }),
    ...(typeof waitingFor === 'string' && { waitingFor }),
    ...(isCount(since) && { since }),
    ...(typeof remedy === 'string' && { remedy }),
    ...(isCount(servedAt) && { servedAt }),
    ...(typeof cluster === 'string' && { cluster }),
    ...(apart === true && { apart }),
  };
}

function parseCounts(read: unknown): Record<string, number> | undefined {
  if (typeof read !== 'object' || read === null) return undefined;
  return Object.fromEntries(Object.entries(read).filter(([, count]) => isCount(count)));
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}
