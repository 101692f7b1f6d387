import type { AmqpMessage } from '../amqp-channel.js';

/** When a colored message was published, in milliseconds since the epoch, by the clock of its publisher. */
const SENT_AT = 'colorway-sent-at';

/** Adds the time to headers that are ours: those of a colored message, after it was stamped. */
export function stampSentAt(headers: Record<string, unknown>): void {
  headers[SENT_AT] = Date.now();
}

/**
 * When a message was published: our header; else RabbitMQ's `timestamp_in_ms` or the property `timestamp` (seconds).
 * A message that came back by dead-lettering was published again then. `undefined` where nothing says it.
 */
export function sentAt({ properties: { headers = {}, timestamp } }: AmqpMessage): number | undefined {
  const published = numberOf(headers[SENT_AT]) ?? numberOf(headers.timestamp_in_ms) ?? seconds(timestamp);
  const deaths = headers['x-death'];
  const died = Array.isArray(deaths)
    ? seconds((deaths[0] as { time?: unknown } | undefined)?.time)
    : undefined;
  if (published === undefined || died === undefined) return published;
  return Math.max(published, died);
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** amqplib hands over timestamps in headers as `{ '!': 'timestamp', value }`. */
function seconds(value: unknown): number | undefined {
  const plain = typeof value === 'object' && value !== null && 'value' in value ? value.value : value;
  const number = numberOf(plain);
  return number === undefined ? undefined : number * 1_000;
}
