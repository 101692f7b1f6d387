import type { AmqpMessage, PublishOptions } from './amqp-channel.js';
import type { Destinations } from './destinations.js';
import type { Address } from './mode.js';
import type { SidePublisher } from './side-publisher.js';

/**
 * Publishes again what a color owns and the baseline got alone: dead letters that go to a queue by name, through the
 * default exchange, and what others send so. The arguments of a queue cannot be changed, so a dead-letter route that
 * stands is left as it is; and were it declared otherwise, whoever takes Colorway out again could not start (406).
 */
export class AstrayMessages {
  readonly #owners: Destinations;
  readonly #publisher: SidePublisher;

  constructor(owners: Destinations, publisher: SidePublisher) {
    this.#owners = owners;
    this.#publisher = publisher;
  }

  /** Whether it is the owner's now, as the broker has confirmed; false where the color has no queue, or it was refused. */
  async passOn({ content, properties }: AmqpMessage, to: Address): Promise<boolean> {
    try {
      if ((await this.#owners.current(to.queue)) === 'direct') return false;
      return await this.#publisher.publish(to.exchange, to.routingKey, content, again(properties));
    } catch {
      return false; // the baseline handles it, as it would without a color
    }
  }
}

/** `CC` would bring copies to the other queues a second time; `userId` is taken from that user alone. */
function again({ headers = {}, ...properties }: AmqpMessage['properties']): PublishOptions {
  const { CC: _copies, ...kept } = headers;
  return { ...properties, headers: kept, userId: undefined };
}
