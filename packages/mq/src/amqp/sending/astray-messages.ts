import type { CarrierNames } from '@colorway/core';
import type { AmqpMessage } from '../amqp-channel.js';
import type { SidePublisher } from '../connection/side-publisher.js';
import type { Address } from '../mode.js';
import type { Destinations } from './destinations.js';
import { republished } from './republished.js';

/**
 * Publishes again what a color owns and the baseline got alone: dead letters that go to a queue by name, through the
 * default exchange, what others send so, and what says its color in its baggage alone. The arguments of a queue cannot be
 * changed, so a dead-letter route that stands is left as it is; and were it declared otherwise, whoever takes Colorway out
 * again could not start (406).
 */
export class AstrayMessages {
  readonly #owners: Destinations;
  readonly #publisher: SidePublisher;
  readonly #carriers: CarrierNames;
  readonly #onFailure: () => void;

  /** @param onFailure told when the broker refused a message: the exchange may be gone. */
  constructor(owners: Destinations, publisher: SidePublisher, carriers: CarrierNames, onFailure: () => void) {
    this.#owners = owners;
    this.#publisher = publisher;
    this.#carriers = carriers;
    this.#onFailure = onFailure;
  }

  /** Whether it is the owner's now, as the broker has confirmed; false where the color has no queue, or it was refused. */
  async passOn({ content, properties }: AmqpMessage, to: Address): Promise<boolean> {
    try {
      if (to.isJoined !== true && (await this.#owners.current(to.queue)) === 'direct') return false;
      const stamp = to.stamp === undefined ? undefined : { color: to.stamp, carriers: this.#carriers };
      return await this.#publisher.publish(
        to.exchange,
        to.routingKey,
        content,
        republished(properties, stamp),
      );
    } catch {
      this.#onFailure();
      return false; // the baseline handles it, as it would without a color
    }
  }
}
