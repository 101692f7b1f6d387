import { createHash } from 'node:crypto';
import { type Color, isColor } from './color.js';

/** All subscriptions stand below this prefix: `sub/<service>/<color>/<id>`. */
export const SUBSCRIPTION_PREFIX = 'sub/';

/** What a service consumes. */
export interface SubscriptionTarget {
  /** `kafka`, `amqp` or another broker's short name, of `a-z0-9`. */
  readonly broker: string;
  /** The consumer group or the queue, as the baseline names it. */
  readonly group: string;
  /** The topic; `undefined` where the group alone says what is consumed, as a queue does. */
  readonly topic?: string;
  /** Which broker, where that is known. See `Subscription.cluster`. */
  readonly cluster?: string;
  /**
   * The key that says the names alone is another broker's: this one's tells `cluster` too. A service that has one broker has no
   * such keys, and older versions read the others.
   */
  readonly apart?: boolean;
}

/** A target, and who consumes it. */
export interface SubscriptionName extends SubscriptionTarget {
  readonly service: string;
  readonly color: Color;
}

/** What all subscriptions of a service have in common, or those of one color of it. */
export function subscriptionPrefix(service: string, color?: Color): string {
  const prefix = `${SUBSCRIPTION_PREFIX}${service}/`;
  return color === undefined ? prefix : `${prefix}${color}/`;
}

export function subscriptionKey({ service, color, ...target }: SubscriptionName): string {
  return subscriptionPrefix(service, color) + subscriptionId(target);
}

/** Where a living consumer of a subscription says so: `pulse/<service>/<color>/<id>`, in milliseconds since the epoch. */
export const PULSE_PREFIX = 'pulse/';
export const PULSE_EVERY_MS = 20_000;
/** A consumer that was not heard of for longer is taken to be dead, by people: no rule depends on it. */
export const PULSE_LOST_MS = 60_000;

export function pulseKey(name: SubscriptionName): string {
  return PULSE_PREFIX + subscriptionKey(name).slice(SUBSCRIPTION_PREFIX.length);
}

/**
 * `kafka~GID_order~orders`, and `kafka~GID_order~orders~@5f70bf18a086` where it stands apart: one part of a key, printable ASCII
 * without `/`.
 */
export function subscriptionId({ broker, group, topic, cluster, apart }: SubscriptionTarget): string {
  const id = [broker, group, ...(topic === undefined ? [] : [topic])].map(keyPart).join('~');
  if (apart !== true || cluster === undefined) return id;
  return `${id}~@${createHash('sha256').update(cluster).digest('hex').slice(0, CLUSTER_DIGITS)}`;
}

/** The same for all brokers: what a group, topic or queue is called. No name has an `@` in an id. */
export function idWithoutCluster(id: string): string {
  return id.replace(/~@[0-9a-f]+$/, '');
}

/** `undefined` for a key that is no subscription: somebody else may write into the same store. */
export function parseSubscriptionKey(
  key: string,
): { readonly service: string; readonly color: Color; readonly id: string } | undefined {
  const [prefix, service, color, id, ...more] = key.split('/');
  if (prefix !== 'sub' || !service || !isColor(color) || !id || more.length > 0) return undefined;
  return { service, color, id };
}

/** With the longest service and color, two names of this length make a key of fewer than 512 characters. */
const MAX_PART = 140;
const KEPT = 70;
const CLUSTER_DIGITS = 12;

/** A name that would grow too long is told apart by its SHA-256, which only the key knows. */
function keyPart(name: string): string {
  const encoded = encodeURIComponent(name).replace(/[!~*'()]/g, escapeOther);
  if (encoded.length <= MAX_PART) return encoded;
  return `${encoded.slice(0, KEPT)}.${createHash('sha256').update(name).digest('hex')}`;
}

function escapeOther(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}
