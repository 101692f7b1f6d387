import { type CarrierNames, type Color, type Coloring, ColorwayError, quote, warnOnce } from '@colorway/core';
import { messageColor } from '../message/index.js';
import type { AmqpChannel, AmqpMessage, QueueOptions, QueueState } from './amqp-channel.js';
import type { ConnectionState } from './connection-state.js';
import type { Mode, Owner } from './mode.js';
import { routingNames } from './queue-names.js';

export interface RoutingModeOptions {
  readonly queueOptions: (queue: string) => QueueOptions | undefined;
  readonly baselineWaitMs: number;
}

/** The broker decides: each message goes to exactly one queue, and nothing has to be skipped. See topology.ts. */
export class RoutingMode implements Mode {
  readonly #color: Color | undefined;
  readonly #carriers: CarrierNames;
  readonly #channel: AmqpChannel;
  readonly #state: ConnectionState;
  readonly #options: RoutingModeOptions;
  readonly #built = new Set<string>();
  readonly #joined = new Set<string>();

  constructor(coloring: Coloring, channel: AmqpChannel, state: ConnectionState, options: RoutingModeOptions) {
    this.#color = coloring.color;
    this.#carriers = coloring.carriers;
    this.#channel = channel;
    this.#state = state;
    this.#options = options;
  }

  ownQueue(queue: string): string {
    return this.#color === undefined ? queue : this.#state.names.colored(queue, this.#color);
  }

  async assertQueue(queue: string, options: QueueOptions | undefined): Promise<QueueState> {
    routingNames(queue);
    const own = await this.#channel.assertQueue(this.ownQueue(queue), options);
    this.#state.declared.set(queue, options ?? {});
    if (this.#color === undefined) await this.#build(queue);
    else if (await this.#state.topology.ensureBaseline(queue, options))
      this.#state.destinations.setRouted(queue);
    return own;
  }

  async bindQueue(queue: string, source: string, pattern: string, args: unknown): Promise<object> {
    const { topology } = this.#state;
    if (this.#color !== undefined) await topology.bindColored(queue, source, pattern, args);
    else {
      if (!this.#built.has(queue)) await this.#build(queue);
      await topology.bindBaseline(queue, source, pattern, args);
    }
    return {};
  }

  /** What a colored instance has bound is shared with the other colors, and its queue leaves by `withdrawQueue`. */
  async unbindQueue(queue: string, source: string, pattern: string, args: unknown): Promise<object> {
    if (this.#color === undefined) await this.#state.topology.unbindBaseline(queue, source, pattern, args);
    return {};
  }

  async join(queue: string): Promise<void> {
    if (this.#color === undefined || this.#joined.has(queue)) return;
    const { topology } = this.#state;
    const own = this.ownQueue(queue);
    if (!(await topology.hasQueue(own))) await this.#assertOwn(queue, own);
    await topology.mustBeRouted(queue, this.#options.baselineWaitMs);
    await topology.join(queue, this.#color);
    this.#joined.add(queue);
  }

  /** The broker has decided. What it did not decide came straight to the queue, and may be a color's. */
  owner(queue: string, message: AmqpMessage, reader: Color | undefined): Owner {
    if (reader !== undefined || message.fields.exchange !== '' || !this.#built.has(queue)) return ROUTED;
    const color = messageColor(message.properties.headers, this.#carriers);
    if (color === undefined) return ROUTED;
    if (message.properties.headers?.['x-death'] === undefined) warnOfBypass(queue, color);
    const { coloring } = routingNames(queue);
    const to = { exchange: coloring, routingKey: queue, queue: this.#state.names.colored(queue, color) };
    return { kind: 'astray', reason: 'bypassed-routing', to };
  }

  async leave(queue: string, color: Color): Promise<void> {
    this.#joined.delete(queue);
    await this.#state.topology.leave(queue, color);
  }

  left(queue: string): void {
    this.#joined.delete(queue);
  }

  async #build(queue: string): Promise<void> {
    await this.#state.topology.build(queue);
    this.#built.add(queue);
    this.#state.destinations.setRouted(queue);
  }

  /** AMQP does not tell with which arguments a queue was declared, so they cannot be read from the baseline's. */
  async #assertOwn(queue: string, own: string): Promise<void> {
    const options = this.#state.declared.get(queue) ?? this.#options.queueOptions(queue);
    if (options !== undefined) {
      await this.#state.side.run((channel) => channel.assertQueue(own, options));
      return;
    }
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `Queue ${quote(own)} is not there, and nothing says with which arguments to declare it. Call assertQueue(${quote(queue)}, ` +
        'options) first, or give coloredChannel the option queueOptions.',
    );
  }
}

const ROUTED: Owner = { kind: 'own', reason: 'routed' };

function warnOfBypass(queue: string, color: Color): void {
  warnOnce(
    'COLORWAY_ROUTING_BYPASSED',
    `A message of color ${quote(color)} was sent straight to queue ${quote(queue)}, past its routing. The baseline passes such messages on ` +
      'to the color, which costs a trip and their place in the order. Send through coloredChannel, or publish to exchange ' +
      `${quote(routingNames(queue).coloring)}.`,
  );
}
