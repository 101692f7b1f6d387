import { type CarrierNames, type Color, ColorwayError, quote } from '@colorway/core';
import type { BindingArguments } from '../amqp-channel.js';

/** AMQP's short strings, which all names are, have at most 255 bytes. */
const MAX_NAME_BYTES = 255;
const LONGEST_SUFFIX = '.coloring.own.colors';

/** Names that the broker gives out and reserves: server-named queues, `amq.rabbitmq.reply-to`. */
export function isBrokersName(queue: string): boolean {
  return queue === '' || queue.startsWith('amq.');
}

/** The exchanges that route one queue's messages by color. */
export interface RoutingNames {
  /**
   * Where all that is bound by the baseline, or sent to the queue, comes in. Messages without the property go on to
   * `baseline` after one look, whatever the number of colors; the others to `colors`.
   */
  readonly coloring: string;
  /** One binding a color; what matches none goes on to `baseline`. */
  readonly colors: string;
  /** Leads to the baseline's queue; while that is not there, on to `held`. */
  readonly baseline: string;
  /**
   * An exchange, and the queue behind it in which messages wait that came before the baseline has declared its own. The queue is
   * there only until then: without it, what has no baseline goes nowhere, as it would without us.
   */
  readonly held: string;
  /** Where what colored instances bind comes in: what has no property, or no color of ours, ends here. */
  readonly own: string;
  readonly ownColors: string;
  /** Takes messages on keys that the baseline has not bound (unclaimed-keys.ts). */
  readonly unclaimed: string;
  /** Of these, the ones without the property. */
  readonly unstamped: string;
  /** Of these, the ones that have baggage. */
  readonly baggage: string;
}

/** Whether the names of a queue's exchanges fit. A queue whose name is too long is reached straight, and has no colors. */
export function canBeRouted(queue: string): boolean {
  // Asked for each message. A character has at most three bytes for each of its units.
  if (3 * queue.length + LONGEST_SUFFIX.length <= MAX_NAME_BYTES) return true;
  return Buffer.byteLength(queue) + Buffer.byteLength(LONGEST_SUFFIX) <= MAX_NAME_BYTES;
}

/** Nine names for each colored message: made once for each queue. */
const known = new Map<string, RoutingNames>();
const MAX_KNOWN = 1_000;

/** @throws ColorwayError `COLORWAY_GROUP_NAME` for names that would be too long. */
export function routingNames(queue: string): RoutingNames {
  const found = known.get(queue);
  if (found !== undefined) return found;
  const names = {
    coloring: `${queue}.coloring`,
    colors: `${queue}.coloring.colors`,
    baseline: `${queue}.baseline`,
    held: `${queue}.coloring.held`,
    own: `${queue}.coloring.own`,
    ownColors: `${queue}${LONGEST_SUFFIX}`,
    unclaimed: `${queue}.coloring.unclaimed`,
    unstamped: `${queue}.coloring.unstamped`,
    baggage: `${queue}.coloring.baggage`,
  };
  if (canBeRouted(queue)) {
    // Queues of others come and go.
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(queue, Object.freeze(names));
    return names;
  }
  const bytes = Buffer.byteLength(names.ownColors);
  throw new ColorwayError(
    'COLORWAY_GROUP_NAME',
    `Queue ${quote(queue)} needs an exchange ${quote(names.ownColors)} of ${bytes} bytes, and AMQP allows ${MAX_NAME_BYTES}. ` +
      'Shorten the name of the queue.',
  );
}

/** Where the baseline tells which keys of `source`, an exchange of that type, it has bound; `undefined` for a name that would be too long. */
export function claimsName(queue: string, type: string, source: string): string | undefined {
  const name = `${queue}.coloring.keys.${type}.${source}`;
  return Buffer.byteLength(name) <= MAX_NAME_BYTES ? name : undefined;
}

/** The arguments of a headers binding that takes what has baggage. */
export const HAS_BAGGAGE: BindingArguments = { 'x-match': 'all', baggage: null };

/**
 * The arguments of a headers binding that takes one color; without a color, all that has the property. A name that
 * begins with `x-` is silently ignored by `all` and `any`, so that every queue would get everything: it needs the
 * `-with-x` kinds (RabbitMQ 3.10 and later).
 */
export function matchArguments(
  { messageProperties }: CarrierNames,
  color: Color | undefined,
): BindingArguments {
  const kind = messageProperties.length === 1 ? 'all' : 'any';
  const withX = messageProperties.some((property) => property.startsWith('x-')) ? '-with-x' : '';
  const properties = messageProperties.map((property) => [property, color ?? null]);
  return { 'x-match': `${kind}${withX}`, ...Object.fromEntries(properties) };
}
