import type { CarrierNames, Color } from '@colorway/core';
import type { AmqpMessage } from '../amqp-channel.js';

/**
 * Whether a message is a copy that is not for whoever reads it. Messages that say their color in the baggage alone, or have
 * baggage and no color, come to the queues of all colors where the baseline has not bound their key. Each color has
 * its own copy, and takes that alone. Pure.
 *
 * A copy that waits for too long may be dead-lettered, and come to a queue again: the broker has noted where it died.
 *
 * @param color what the message says.
 * @param colorOf the color whose queue that is; `undefined` for others.
 */
export function isCopy(
  { fields, properties: { headers } }: AmqpMessage,
  color: Color | undefined,
  reader: Color | undefined,
  carriers: CarrierNames,
  colorOf: (queue: string) => Color | undefined,
): boolean {
  if (headers?.baggage === undefined) return false;
  if (carriers.messageProperties.some((property) => headers[property] !== undefined)) return false;
  const died = deaths(headers['x-death']);
  if (reader === undefined && died.length === 0) return false;
  // What is sent to a color's queue by its name is meant for it.
  if (reader !== undefined && fields.exchange !== '' && color !== reader) return true;
  return died.some((queue) => {
    const ofQueue = colorOf(queue);
    return ofQueue !== undefined && ofQueue !== color;
  });
}

/** In which queues it died, of those that it came to by an exchange with a name. */
function deaths(noted: unknown): string[] {
  if (!Array.isArray(noted)) return [];
  return noted.flatMap((death: { readonly queue?: unknown; readonly exchange?: unknown } | null) =>
    typeof death?.queue === 'string' && death.exchange !== '' ? [death.queue] : [],
  );
}
