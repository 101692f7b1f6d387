import type { AmqpChannel, AmqpMessage } from '../amqp-channel.js';
import type { Consumers } from './consumers.js';

/**
 * The methods by which an application settles deliveries. `multiple` settles all of the channel up to a tag, of all its
 * consumers, also what no handler was given: what is foreign and will be acknowledged, what is on its way to its
 * owner and must not be. Where such a one is in between, what handlers have is settled one by one.
 */
export function settlements(channel: AmqpChannel, { deliveries, foreign, giveBacks }: Consumers) {
  /** False where it has to be done one by one, and was. */
  function mayTogether(
    upTo: number,
    isGivenBack: boolean,
    one: (message: { fields: { deliveryTag: number } }) => void,
  ): boolean {
    if (!deliveries.keepsBack(upTo)) {
      deliveries.settle(upTo, true, isGivenBack);
      return true;
    }
    foreign.flush();
    for (const deliveryTag of deliveries.handed(upTo)) {
      deliveries.settle(deliveryTag, false, isGivenBack);
      one({ fields: { deliveryTag } });
    }
    return false;
  }

  function ackUpTo(upTo: number, all: () => void): void {
    if (!mayTogether(upTo, false, (message) => channel.ack(message))) return;
    foreign.forget(upTo);
    all();
  }

  function nackUpTo(upTo: number, requeue: boolean | undefined, all: () => void): void {
    // What is given back comes again; what is foreign must not.
    foreign.flush();
    if (mayTogether(upTo, requeue !== false, (message) => channel.nack(message, false, requeue))) all();
  }

  function settleOne(deliveryTag: number, requeue: boolean | undefined, settle: () => void): void {
    if (requeue !== false) {
      giveBacks.give(deliveryTag, settle);
      return;
    }
    deliveries.settle(deliveryTag);
    settle();
  }

  return {
    ack(message: AmqpMessage, allUpTo?: boolean): void {
      const { deliveryTag } = message.fields;
      if (allUpTo === true) {
        ackUpTo(deliveryTag, () => channel.ack(message, true));
        return;
      }
      deliveries.settle(deliveryTag);
      channel.ack(message, allUpTo);
    },
    ackAll(): void {
      ackUpTo(Number.POSITIVE_INFINITY, () => channel.ackAll());
    },
    nack(message: AmqpMessage, allUpTo?: boolean, requeue?: boolean): void {
      const { deliveryTag } = message.fields;
      if (allUpTo === true) {
        nackUpTo(deliveryTag, requeue, () => channel.nack(message, true, requeue));
        return;
      }
      settleOne(deliveryTag, requeue, () => channel.nack(message, allUpTo, requeue));
    },
    nackAll(requeue?: boolean): void {
      nackUpTo(Number.POSITIVE_INFINITY, requeue, () => channel.nackAll(requeue));
    },
    reject(message: AmqpMessage, requeue?: boolean): void {
      settleOne(message.fields.deliveryTag, requeue, () => channel.reject(message, requeue));
    },
  };
}

/** All that is in hand comes again. */
export async function recover(channel: AmqpChannel, { deliveries, foreign }: Consumers): Promise<object> {
  foreign.flush();
  deliveries.settleAll();
  return await channel.recover();
}
