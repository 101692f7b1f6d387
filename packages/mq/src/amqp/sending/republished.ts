import type { CarrierNames, Color } from '@colorway/core';
import type { AmqpMessage, PublishOptions } from '../amqp-channel.js';

/**
 * The options with which a message that was received is published again. `CC` would bring copies to the other queues a second
 * time, and `userId` is taken from that user alone.
 *
 * @param stamp the color that the message says elsewhere, in its baggage say, to be written where exchanges look.
 */
export function republished(
  { headers = {}, ...properties }: AmqpMessage['properties'],
  stamp?: { readonly color: Color; readonly carriers: CarrierNames },
): PublishOptions {
  const { CC: _copies, ...others } = headers;
  const kept: Record<string, unknown> = { ...others };
  if (stamp !== undefined) {
    for (const property of stamp.carriers.messageProperties) delete kept[property];
    kept[stamp.carriers.messageProperties[0]] = stamp.color;
  }
  return { ...properties, headers: kept, userId: undefined };
}
