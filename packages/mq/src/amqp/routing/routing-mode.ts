import {
  type CarrierNames,
  type Color,
  type Coloring,
  ColorwayError,
  quote,
  type SubscriptionTarget,
} from '@colorway/core';
import {
  type AmqpChannel,
  type AmqpMessage,
  type QueueOptions,
  type QueueState,
  replyCode,
} from '../amqp-channel.js';
import type { ConnectionState } from '../connection/connection-state.js';
import type { Binding } from '../filter/filter-spans.js';
import { readersOf } from '../membership/queue-readers.js';
import type { Mode, Owner, Restored } from '../mode.js';
import { isCopy } from './baggage-copies.js';
import { reportUnseen } from './baggage-unseen.js';
import { consumes } from './joined-colors.js';
import { routingNames } from './queue-names.js';

export interface RoutingModeOptions {
  readonly queueOptions: (queue: string) => QueueOptions | undefined;
  readonly baselineWaitMs: number;
}

/** The broker decides: each message goes to exactly one queue, and nothing has to be skipped. See topology.ts. */
export class RoutingMode implements Mode {
  readonly #coloring: Coloring;
  readonly #color: Color | undefined;
  readonly #carriers: CarrierNames;
  readonly #channel: AmqpChannel;
  readonly #state: ConnectionState;
  readonly #options: RoutingModeOptions;
  /** Queues of which no baseline says which keys it has. */
  readonly #unvouched = new Set<string>();

  constructor(coloring: Coloring, channel: AmqpChannel, state: ConnectionState, options: RoutingModeOptions) {
    this.#coloring = coloring;
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
    const own = await this.#assertedOwn(queue, options);
    this.#state.declared.set(queue, options ?? {});
    if (this.#color === undefined) await this.#build(queue);
    else if (await this.#state.topology.ensureBaseline(queue)) this.#state.destinations.setRouted(queue);
    return own;
  }

  /** Nothing of a color is declared whose environment has ended: who would take it away again? It is when the color joins. */
  async #assertedOwn(queue: string, options: QueueOptions | undefined): Promise<QueueState> {
    const { unused } = this.#state;
    const name = this.ownQueue(queue);
    if (await unused.isColorGone()) return { queue: name, messageCount: 0, consumerCount: 0 };
    await unused.note(queue);
    const own = await this.#channel.assertQueue(name, options);
    const isJoined = (): boolean => readersOf(this.#coloring, this.#state).known.get(queue) === 'joined';
    if (this.#color !== undefined) unused.watch(queue, name, isJoined);
    return own;
  }

  async bindQueue(queue: string, source: string, pattern: string, args: unknown): Promise<object> {
    const binding: Binding = args === undefined ? { source, pattern } : { source, pattern, args };
    if (this.#color === undefined && !this.#state.routed.has(queue)) await this.#build(queue);
    await this.#bind(queue, binding);
    this.#state.bindings.set(queue, [...this.#bindings(queue, binding), binding]);
    return {};
  }

  /** What a colored instance has bound is shared with the other colors, and its queue leaves by `withdrawQueue`. */
  async unbindQueue(queue: string, source: string, pattern: string, args: unknown): Promise<object> {
    if (this.#color !== undefined) return {};
    const binding: Binding = args === undefined ? { source, pattern } : { source, pattern, args };
    this.#state.bindings.set(queue, this.#bindings(queue, binding));
    await this.#state.topology.unbindBaseline(queue, binding);
    return {};
  }

  /** Those of the application's, but for one. */
  #bindings(queue: string, but?: Binding): readonly Binding[] {
    const left = JSON.stringify(but);
    return (this.#state.bindings.get(queue) ?? []).filter((binding) => JSON.stringify(binding) !== left);
  }

  async #bind(queue: string, binding: Binding, again = false): Promise<void> {
    const { topology } = this.#state;
    const { reporter } = this.#coloring;
    const { source } = binding;
    if (this.#color === undefined) {
      if (!(await topology.bindBaseline(queue, binding)))
        reportUnseen(reporter, queue, undefined, 'type-unknown', source);
      return;
    }
    const whyNot = await topology.bindColored(queue, binding, again);
    if (whyNot !== undefined) reportUnseen(reporter, queue, this.#color, whyNot, source);
    else if (this.#unvouched.has(queue)) reportUnseen(reporter, queue, this.#color, 'routing');
  }

  async join(queue: string): Promise<void> {
    const { topology, routed } = this.#state;
    if (this.#color === undefined) {
      // Declared by others, or on another connection.
      if (!routed.has(queue) && (await topology.isRouted(queue))) routed.add(queue);
      return;
    }
    await this.#assertOwn(queue);
    await topology.mustBeRouted(queue, this.#options.baselineWaitMs, this.#state.scope.signal);
    try {
      await this.#joinAtBroker(queue, this.#color);
    } catch (error) {
      // An auto-delete queue goes a moment after its last consumer.
      if (replyCode(error) !== 404 || !(await this.#assertOwn(queue))) throw error;
      await this.#joinAtBroker(queue, this.#color);
    }
  }

  async #joinAtBroker(queue: string, color: Color): Promise<void> {
    if (await this.#state.topology.join(queue, color)) this.#unvouched.delete(queue);
    else this.#unvouched.add(queue);
    if (this.#unvouched.has(queue) && this.#bindings(queue).length > 0)
      reportUnseen(this.#coloring.reporter, queue, color, 'routing');
  }

  async restore(queue: string): Promise<Restored> {
    return this.#color === undefined
      ? await this.#restoreBaseline(queue)
      : await this.#restoreColored(queue, this.#color);
  }

  async #restoreBaseline(queue: string): Promise<Restored> {
    const { routed, topology, unclaimed } = this.#state;
    // A queue that is gone is the application's to declare: without us it would be gone too.
    if (!routed.has(queue) || !(await topology.hasQueue(queue))) return { mended: [] };
    const { coloring, colors, baseline } = routingNames(queue);
    const mended = await topology.missing([coloring, colors, baseline]);
    await this.#build(queue);
    if (!mended.includes(coloring))
      return { mended: [...mended, ...(await unclaimed.restore(queue, this.#bindings(queue)))] };
    await this.#rebind(queue);
    return { mended };
  }

  async #restoreColored(queue: string, color: Color): Promise<Restored> {
    const { topology, destinations } = this.#state;
    const mended = (await this.#assertOwn(queue)) ? [this.ownQueue(queue)] : [];
    if (!(await topology.ensureBaseline(queue))) {
      const { coloring } = routingNames(queue);
      return {
        mended,
        waitingFor: `exchange ${quote(coloring)}, which was taken away: its baseline puts it back, and until then this color gets no messages`,
      };
    }
    destinations.setRouted(queue);
    const { own, ownColors } = routingNames(queue);
    const missing = await topology.missing([own, ownColors]);
    await this.#joinAtBroker(queue, color);
    // Nobody takes away what colors have bound, but with an exchange.
    await this.#rebind(queue);
    return { mended: [...mended, ...missing] };
  }

  /**
   * An exchange took its bindings along. They are put back then alone: a binding that is missing by itself may have been taken
   * away by a newer version of the application. One whose source is gone too is the application's to declare.
   */
  async #rebind(queue: string): Promise<void> {
    for (const binding of this.#bindings(queue)) {
      try {
        await this.#bind(queue, binding, true);
      } catch (error) {
        if (replyCode(error) !== 404) throw error;
      }
    }
  }

  /**
   * The broker has decided, for what came through the routing and says its color where exchanges look. The rest may be a
   * color's all the same: what came straight to the queue, and what senders that know nothing of us say in the baggage
   * alone. A message that is passed on comes back at most once, because it is stamped then.
   */
  owner(queue: string, message: AmqpMessage, color: Color | undefined, reader: Color | undefined): Owner {
    const { headers } = message.properties;
    const isOthers =
      headers?.baggage !== undefined &&
      isCopy(message, color, reader, this.#carriers, (name) => this.#colorOf(queue, name));
    if (isOthers) return { kind: 'foreign', reason: 'copy-of-another' };
    if (color === undefined || reader !== undefined || !this.#state.routed.has(queue)) return ROUTED;
    const { exchange, routingKey } = message.fields;
    const isStamped = this.#carriers.messageProperties.some((property) => headers?.[property] === color);
    if (exchange !== '' && isStamped) return ROUTED;
    if (exchange === '' && headers?.['x-death'] === undefined) this.#warnOfBypass(queue, color);
    const known = this.#couldName(queue, color) ? consumes(this.#coloring, this.#target(queue), color) : 'no';
    if (known === 'no') return { kind: 'own', reason: 'no-consumer-of-color' };
    const { coloring } = routingNames(queue);
    return {
      kind: 'astray',
      reason: isStamped ? 'bypassed-routing' : 'color-in-baggage',
      to: {
        ...{ exchange: coloring, routingKey, queue: this.#state.names.colored(queue, color) },
        ...{ isJoined: known === 'yes', stamp: color },
      },
    };
  }

  async leave(queue: string, color: Color): Promise<void> {
    await this.#state.topology.leave(queue, color);
  }

  left(): void {}

  async #build(queue: string): Promise<void> {
    await this.#state.topology.build(queue);
    this.#state.routed.add(queue);
    this.#state.destinations.setRouted(queue);
  }

  /**
   * Declares the color's queue where it is not there; whether it did. AMQP does not tell with which arguments a queue was
   * declared, so they cannot be read from the baseline's.
   */
  async #assertOwn(queue: string): Promise<boolean> {
    const own = this.ownQueue(queue);
    if (await this.#state.topology.hasQueue(own)) return false;
    const options = this.#state.declared.get(queue) ?? this.#options.queueOptions(queue);
    if (options !== undefined) {
      await this.#state.side.run((channel) => channel.assertQueue(own, options));
      return true;
    }
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `Queue ${quote(own)} is not there, and nothing says with which arguments to declare it. Call assertQueue(${quote(queue)}, ` +
        'options) first, or give coloredChannel the option queueOptions.',
    );
  }

  #target(queue: string): SubscriptionTarget {
    const { cluster } = this.#state;
    return { broker: 'amqp', group: queue, ...(cluster !== undefined && { cluster }) };
  }

  /** Whose queue that is, beside `queue`. */
  #colorOf(queue: string, name: string): Color | undefined {
    const parsed = this.#state.names.parse(name);
    return parsed?.baseline.includes(queue) === true ? parsed.color : undefined;
  }

  /** Colors of messages come from outside, and may be too long for this queue. */
  #couldName(queue: string, color: Color): boolean {
    return this.#state.names.lint([queue], [color]).length === 0;
  }

  #warnOfBypass(queue: string, color: Color): void {
    this.#coloring.reporter.once(
      'COLORWAY_ROUTING_BYPASSED',
      `A message of color ${quote(color)} was sent straight to queue ${quote(queue)}, past its routing. The baseline passes such messages on ` +
        'to the color, which costs a trip and their place in the order. Send through coloredChannel, or publish to exchange ' +
        `${quote(routingNames(queue).coloring)}.`,
      queue,
    );
  }
}

const ROUTED: Owner = { kind: 'own', reason: 'routed' };
