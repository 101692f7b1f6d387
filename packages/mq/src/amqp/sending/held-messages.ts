import { type AmqpChannel, type AmqpMessage, replyCode } from '../amqp-channel.js';
import type { SideChannel } from '../connection/side-channel.js';
import type { SidePublisher } from '../connection/side-publisher.js';
import { routingNames } from '../routing/queue-names.js';
import { republished } from './republished.js';

/** So many are moved before other questions to the broker get their turn. */
const BATCH = 50;

/** What waits for a baseline that has not declared its queue yet. */
export class HeldMessages {
  readonly #side: SideChannel;
  readonly #publisher: SidePublisher;

  constructor(side: SideChannel, publisher: SidePublisher) {
    this.#side = side;
    this.#publisher = publisher;
  }

  async declare(channel: AmqpChannel, queue: string): Promise<void> {
    const { held } = routingNames(queue);
    await channel.assertQueue(held, { durable: true });
    await channel.bindQueue(held, held, '');
  }

  /**
   * Publishes what waits again, to the routing, which has its baseline now, and deletes the queue. Several processes may do
   * so at once. A message is acknowledged when the broker has confirmed that it is elsewhere.
   */
  async release(queue: string): Promise<void> {
    const { held } = routingNames(queue);
    while (!(await this.#deleted(held))) {
      if (!(await this.#side.run((channel) => this.#moveSome(channel, queue, held)))) return;
    }
  }

  /** False where something waits. A queue that is not there counts as deleted, to the broker too. */
  async #deleted(held: string): Promise<boolean> {
    try {
      await this.#side.run((channel) => channel.deleteQueue(held, { ifEmpty: true }));
      return true;
    } catch (error) {
      if (replyCode(error) === 406) return false;
      throw error;
    }
  }

  /** False where the rest is in other hands, or nobody takes it. */
  async #moveSome(channel: AmqpChannel, queue: string, held: string): Promise<boolean> {
    const { coloring } = routingNames(queue);
    const moves: { readonly message: AmqpMessage; readonly isTaken: Promise<boolean> }[] = [];
    while (moves.length < BATCH) {
      const message = await channel.get(held);
      if (message === false) break;
      const options = republished(message.properties);
      const isTaken = this.#publisher
        .publish(coloring, message.fields.routingKey, message.content, options)
        .catch(() => false); // refused, or the broker is away: it stays, for the next one who declares
      moves.push({ message, isTaken });
    }
    let areTaken = moves.length > 0;
    for (const { message, isTaken } of moves) {
      if (await isTaken) channel.ack(message);
      else {
        channel.nack(message, false, true);
        areTaken = false;
      }
    }
    return areTaken;
  }
}
