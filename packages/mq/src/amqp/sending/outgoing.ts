import {
  activeContext,
  activeFlowType,
  bind,
  type CarrierNames,
  type Color,
  type Coloring,
  ColorwayError,
  colorOf,
  type FlowType,
  parseBaggage,
  quote,
  runInContext,
  withFlowType,
} from '@colorway/core';
import { callSafely, reasonOf } from '@colorway/core/background';
import { type Context, propagation } from '@opentelemetry/api';
import {
  messageBaggage,
  messageColor,
  stampedHeaders,
  stampMessage,
  uncoloredContext,
} from '../../message/index.js';
import type { AmqpChannel, OnConfirm, PublishOptions } from '../amqp-channel.js';
import type { CallOrder } from '../channel/call-order.js';
import type { ChannelLife } from '../channel/channel-life.js';
import { routingNames } from '../routing/queue-names.js';
import type { Destinations } from './destinations.js';
import { stampSentAt } from './sent-at.js';

interface Send {
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly options: PublishOptions | undefined;
  readonly onConfirm: OnConfirm | undefined;
  /** What it was stamped with; without one it has what the caller's headers say. */
  readonly flow?: FlowType;
  /**
   * Where it has to be sent, if not right here: OpenTelemetry's instrumentation takes the span and the baggage from the
   * active context, and what it writes into the headers would replace this message's color by another's, or by none.
   */
  readonly context?: Context | undefined;
}

/** What a channel sends: stamped with the active color, and to a queue by way of its routing. */
export class Outgoing {
  readonly #coloring: Coloring;
  readonly #channel: AmqpChannel;
  readonly #life: ChannelLife;
  readonly #order: CallOrder;
  /** Without it (filter mode) queues have no routing. */
  readonly #destinations: Destinations | undefined;
  readonly #isGroup: (queue: string) => boolean;
  /** Whether the baseline's queue is known to be there, because it was declared on this connection. */
  readonly #isDeclared: (queue: string) => boolean;
  /** Waiting, in order, until it is known how the first one gets to its queue. */
  readonly #held: Send[] = [];
  #flushing: Promise<void> | undefined;
  /** Of a held message that could not be sent and had no callback: for whoever waits for confirms. */
  #lost: { readonly error: unknown } | undefined;

  constructor(
    coloring: Coloring,
    channel: AmqpChannel,
    life: ChannelLife,
    order: CallOrder,
    destinations: Destinations | undefined,
    isGroup: (queue: string) => boolean,
    isDeclared: (queue: string) => boolean,
  ) {
    this.#coloring = coloring;
    this.#channel = channel;
    this.#life = life;
    this.#order = order;
    this.#destinations = destinations;
    this.#isGroup = isGroup;
    this.#isDeclared = isDeclared;
  }

  /**
   * Publishes as amqplib does. The first message to a queue that nobody has asked for yet, and what follows it, is
   * held until the broker has said whether the queue has a routing; then the answer is false, as for a full write
   * buffer, and `drain` follows. What is held when the channel ends is told to its callback, as amqplib does.
   */
  publish(
    exchange: string,
    routingKey: string,
    content: Buffer,
    options?: PublishOptions,
    onConfirm?: OnConfirm,
  ): boolean {
    this.#life.mustTake();
    const flow = this.#coloring.flowType();
    const { carriers } = this.#coloring;
    const given = { exchange, routingKey, content, options, onConfirm };
    const send = flow === undefined ? uncolored(given, carriers) : colored(given, flow, carriers);
    const route = this.#held.length > 0 ? undefined : this.#route(send);
    if (route !== undefined) return this.#send(send, route);
    // amqplib's own check, while the caller can still be told.
    if (!Buffer.isBuffer(content)) throw new TypeError('content is not a buffer');
    this.#held.push({ ...send, context: send.context ?? activeContext() });
    this.#flushing ??= this.#flush().finally(() => {
      this.#flushing = undefined;
    });
    return false;
  }

  /** Resolves when nothing is held any more. Never rejects. */
  async flushed(): Promise<void> {
    await this.#flushing;
  }

  /** {@link flushed}; rejects where something that was held could not be sent, and nobody was told. */
  async allSent(): Promise<void> {
    await this.flushed();
    const lost = this.#lost;
    this.#lost = undefined;
    if (lost !== undefined) throw lost.error;
  }

  /** The exchange to publish to; `undefined` while that is not known. */
  #route({ exchange, routingKey, options, flow }: Send): string | undefined {
    if (exchange !== '' || this.#destinations === undefined || !this.#isGroup(routingKey)) return exchange;
    const destination = this.#destinations.lookup(routingKey);
    if (destination !== 'routed') return destination === undefined ? undefined : exchange;
    if (options?.CC === undefined && options?.BCC === undefined) {
      // Without a color it is the baseline's: with nothing for the broker to decide, it costs what it would without us.
      const color = (): Color | undefined =>
        flow === undefined ? messageColor(options?.headers, this.#coloring.carriers) : colorOf(flow);
      const isBaselines = this.#isDeclared(routingKey) && color() === undefined;
      return isBaselines ? exchange : routingNames(routingKey).coloring;
    }
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `CC and BCC would pass by the routing of queue ${quote(routingKey)}. Send to each queue by itself, or publish to an exchange.`,
    );
  }

  #send(send: Send, exchange: string): boolean {
    const { context } = send;
    if (context === undefined || context === activeContext()) return this.#publish(send, exchange);
    return runInContext(context, () => this.#publish(send, exchange));
  }

  #publish({ routingKey, content, options, onConfirm }: Send, exchange: string): boolean {
    // A plain channel's publish takes four arguments, and OpenTelemetry's instrumentation counts them.
    return onConfirm === undefined
      ? this.#channel.publish(exchange, routingKey, content, options)
      : this.#channel.publish(exchange, routingKey, content, options, onConfirm);
  }

  async #flush(): Promise<void> {
    // What the caller has asked for before may build the routing.
    await this.#order.idle();
    for (let send = this.#held[0]; send !== undefined; send = this.#held[0]) {
      try {
        this.#send(send, this.#route(send) ?? (await this.#asked(send)));
      } catch (error) {
        this.#failed(send, error);
      }
      this.#held.shift();
    }
    if (!this.#life.hasEnded) callSafely(this.#coloring.reporter, 'drain', () => this.#channel.emit('drain'));
  }

  async #asked(send: Send): Promise<string> {
    if (this.#destinations !== undefined)
      await this.#life.within(this.#destinations.resolve(send.routingKey));
    return this.#route(send) ?? send.exchange;
  }

  /** Nothing of it leaves the queue of what is held: what stands behind it is sent all the same. */
  #failed({ onConfirm, routingKey }: Send, error: unknown): void {
    const { reporter } = this.#coloring;
    if (onConfirm !== undefined) {
      callSafely(reporter, 'a callback of publish', () => onConfirm(error, {}));
      return;
    }
    this.#lost ??= { error };
    // With the channel gone, amqplib has told the reason already.
    if (this.#life.hasEnded) return;
    try {
      this.#channel.emit('error', error);
    } catch {
      // Nobody listens, and what is thrown is that error. Another message must not end the process.
      reporter.error(
        'COLORWAY_MQ_NOT_SENT',
        `A message to queue ${quote(routingKey)} was not sent: ${reasonOf(error)}`,
        {
          error,
        },
      );
    }
  }
}

/** As it is, unless somebody has brought a flow type that was not accepted. */
function uncolored(send: Send, carriers: CarrierNames): Send {
  const context = uncoloredContext(carriers);
  if (context === undefined) return send;
  const headers = stampMessage(send.options?.headers, undefined, carriers);
  const options = headers === undefined ? send.options : { ...send.options, headers };
  return { ...send, options, context };
}

/** With options of its own: they are often used twice, and must not carry the first color on. */
function colored(send: Send, flow: FlowType, carriers: CarrierNames): Send {
  const { options, onConfirm } = send;
  const callers = messageBaggage(options?.headers);
  const headers = stampedHeaders(options?.headers, flow, carriers, callers);
  if (flow.kind === 'color') stampSentAt(headers);
  return {
    ...{ ...send, flow, options: { ...options, headers } },
    onConfirm: onConfirm && bind(onConfirm),
    context: contextOf(callers, flow, carriers),
  };
}

/** The active context, with what the headers say: an assumed color, baggage of the caller's. `undefined` where it says the same. */
function contextOf(callers: string | undefined, flow: FlowType, carriers: CarrierNames): Context | undefined {
  if (callers === undefined && activeFlowType() !== undefined) return undefined;
  const active = activeContext();
  const carried = callers === undefined ? active : propagation.setBaggage(active, parseBaggage(callers));
  return withFlowType(carried, flow, carriers);
}
