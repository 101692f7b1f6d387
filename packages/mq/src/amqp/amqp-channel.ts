/*
 * What is called on a channel of amqplib 1.x or 2.x, channel or confirm channel. A structural type: a
 * compatible client fits too, and amqplib stays a peer that nobody has to install.
 */

export interface AmqpMessage {
  readonly content: Buffer;
  readonly fields: {
    readonly deliveryTag: number;
    readonly exchange: string;
    readonly routingKey: string;
    readonly redelivered: boolean;
    readonly consumerTag?: string;
  };
  readonly properties: {
    readonly headers?: Readonly<Record<string, unknown>> | undefined;
    readonly timestamp?: unknown;
  };
}

export interface QueueState {
  readonly queue: string;
  /** Messages that are ready; those in somebody's hands do not count. */
  readonly messageCount: number;
  readonly consumerCount: number;
}

/** Options of `assertQueue`. */
export interface QueueOptions {
  readonly exclusive?: boolean;
  readonly durable?: boolean;
  readonly autoDelete?: boolean;
  readonly arguments?: unknown;
  readonly [option: string]: unknown;
}

export interface PublishOptions {
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly CC?: string | readonly string[];
  readonly BCC?: string | readonly string[];
  readonly [option: string]: unknown;
}

export interface ConsumeOptions {
  readonly consumerTag?: string;
  readonly noAck?: boolean;
  readonly [option: string]: unknown;
}

export type BindingArguments = Readonly<Record<string, unknown>>;
export type OnMessage = (message: AmqpMessage | null) => unknown;
export type OnConfirm = (error: unknown, ok: object) => void;

export interface AmqpChannel {
  readonly connection: object;
  on(event: string, listener: (told: ClientsMessage) => void): unknown;
  once(event: string, listener: () => void): unknown;
  emit(event: string, ...args: unknown[]): boolean;
  close(): Promise<void>;
  assertQueue(queue?: string, options?: object): Promise<QueueState>;
  checkQueue(queue: string): Promise<QueueState>;
  deleteQueue(
    queue: string,
    options?: { ifUnused?: boolean; ifEmpty?: boolean },
  ): Promise<{ messageCount: number }>;
  purgeQueue(queue: string): Promise<{ messageCount: number }>;
  bindQueue(queue: string, source: string, pattern: string, args?: unknown): Promise<object>;
  unbindQueue(queue: string, source: string, pattern: string, args?: unknown): Promise<object>;
  assertExchange(exchange: string, type: string, options?: object): Promise<{ exchange: string }>;
  checkExchange(exchange: string): Promise<object>;
  deleteExchange(exchange: string): Promise<object>;
  bindExchange(destination: string, source: string, pattern: string, args?: unknown): Promise<object>;
  unbindExchange(destination: string, source: string, pattern: string, args?: unknown): Promise<object>;
  publish(
    exchange: string,
    routingKey: string,
    content: Buffer,
    options?: object,
    onConfirm?: OnConfirm,
  ): boolean;
  consume(
    queue: string,
    onMessage: (message: ClientsMessage) => void,
    options?: object,
  ): Promise<{ consumerTag: string }>;
  cancel(consumerTag: string): Promise<object>;
  get(queue: string, options?: { noAck?: boolean }): Promise<AmqpMessage | false>;
  ack(message: ClientsMessage, allUpTo?: boolean): void;
  ackAll(): void;
  nack(message: ClientsMessage, allUpTo?: boolean, requeue?: boolean): void;
  nackAll(requeue?: boolean): void;
  reject(message: ClientsMessage, requeue?: boolean): void;
  prefetch(count: number, global?: boolean): Promise<object>;
  recover(): Promise<object>;
}

// biome-ignore lint/suspicious/noExplicitAny: amqplib's own message types, of 1.x and 2.x, have to fit
type ClientsMessage = any;

/** The status of the broker's refusal (`404`, `405`, ...), where an error is one. */
export function replyCode(error: unknown): number | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
  return typeof code === 'number' ? code : undefined;
}
