import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib';

const CONFIRM_MS = 10_000;

/** Publishes persistent messages, and knows which the broker has confirmed and routed. Connects again when it must. */
export class ConfirmingPublisher {
  readonly #url: string;
  readonly #exchange: string;
  readonly #returned = new Set<string>();
  #connection: ChannelModel | undefined;
  #channel: ConfirmChannel | undefined;

  constructor(url: string, exchange: string) {
    this.#url = url;
    this.#exchange = exchange;
  }

  /** @throws Error where one of them was not confirmed, or reached no queue. */
  async publish(messages: readonly { id: string; color: string | undefined }[]): Promise<void> {
    this.#channel ??= await this.#open();
    const channel = this.#channel;
    const confirms = messages.map(
      ({ id, color }) =>
        new Promise<void>((resolve, reject) => {
          const headers = color === undefined ? {} : { DMQ_ENV_TAG: color };
          const options = { persistent: true, mandatory: true, messageId: id, headers };
          channel.publish(this.#exchange, 'order.new', Buffer.from(id), options, (error) => {
            if (error === null && !this.#returned.has(id)) resolve();
            else reject(new Error(`${id} was not confirmed`));
          });
        }),
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no confirm')), CONFIRM_MS);
      channel.once('close', () => reject(new Error('the channel was closed')));
    });
    late.catch(() => {});
    await Promise.race([Promise.all(confirms), late]).finally(() => clearTimeout(timer));
  }

  async close(): Promise<void> {
    await this.#connection?.close().catch(() => {});
  }

  async #open(): Promise<ConfirmChannel> {
    const connection = await connect(this.#url);
    connection.on('error', () => {});
    const channel = await connection.createConfirmChannel();
    channel.setMaxListeners(1_000);
    channel.on('error', () => {});
    channel.on('return', ({ properties: { messageId } }) => this.#returned.add(messageId));
    channel.once('close', () => {
      this.#channel = undefined;
      connection.close().catch(() => {});
    });
    await channel.assertExchange(this.#exchange, 'topic', { durable: true });
    this.#connection = connection;
    return channel;
  }
}
