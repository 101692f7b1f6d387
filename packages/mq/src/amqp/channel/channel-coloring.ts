import { type Color, type Coloring, quote } from '@colorway/core';
import type { Scope } from '@colorway/core/background';
import type {
  AmqpChannel,
  AmqpMessage,
  ConsumeOptions,
  OnConfirm,
  OnMessage,
  PublishOptions,
  QueueOptions,
  QueueState,
} from '../amqp-channel.js';
import { brokerIdentity } from '../connection/broker-identity.js';
import { type ConnectionState, stateOf } from '../connection/connection-state.js';
import { Consumers } from '../consuming/consumers.js';
import { HandedCopies } from '../consuming/handed-copies.js';
import { recover, settlements } from '../consuming/settlements.js';
import { FilterMode } from '../filter/filter-mode.js';
import { serveDiscards } from '../leaving/serve-discards.js';
import { QueueMembership } from '../membership/queue-membership.js';
import { isStream, streamRefused } from '../membership/stream-queues.js';
import type { Mode } from '../mode.js';
import type { ResolvedOptions } from '../options.js';
import { canBeRouted, isBrokersName, routingNames } from '../routing/queue-names.js';
import { RoutingMode } from '../routing/routing-mode.js';
import { Outgoing } from '../sending/outgoing.js';
import { CallOrder } from './call-order.js';
import { ChannelLife } from './channel-life.js';
import { pauseChannel } from './pause-channel.js';

/** Calls that are only kept in order. */
const IN_ORDER = ['checkExchange', 'deleteExchange', 'bindExchange', 'unbindExchange', 'cancel'] as const;

// biome-ignore lint/suspicious/noExplicitAny: each method has amqplib's own arguments
type Method = (...args: any[]) => unknown;

/** What one wrapped channel does in place of amqplib's methods. */
export class ChannelColoring {
  readonly coloring: Coloring;
  readonly color: Color | undefined;
  readonly channel: AmqpChannel;
  readonly state: ConnectionState;
  /** Owns what goes on in the background for this channel. */
  readonly scope: Scope;
  readonly mode: Mode;
  readonly consumers: Consumers;
  readonly methods: ReadonlyMap<PropertyKey, Method>;
  readonly #plain: (queue: string) => boolean;
  readonly #copies: HandedCopies;
  readonly #hasRouting: boolean;
  readonly #life: ChannelLife;
  readonly #order: CallOrder;
  readonly #memberships = new Map<string, QueueMembership>();
  readonly #outgoing: Outgoing;
  #endDiscards: (() => void) | undefined;
  /** Takes the pause out of what `coloring.close()` does. */
  #unlist: (() => void) | undefined;

  constructor(coloring: Coloring, channel: AmqpChannel, options: ResolvedOptions) {
    this.coloring = coloring;
    this.color = coloring.color;
    this.channel = channel;
    this.#life = new ChannelLife(channel);
    this.#order = new CallOrder(this.#life);
    this.#plain = options.plain;
    this.#copies = new HandedCopies(coloring, options.accept);
    this.state = stateOf(coloring, channel, options);
    this.scope = this.state.use(channel);
    this.#hasRouting = options.mode === 'routing';
    const filter = options.mode === 'filter' && options.state !== undefined ? options.state : undefined;
    this.mode =
      filter === undefined
        ? new RoutingMode(coloring, channel, this.state, options)
        : new FilterMode(coloring, channel, this.state, filter, options.graceMs, this.scope);
    this.consumers = new Consumers(coloring, channel, this.mode, this.state, this.scope, this.#copies.policy);
    this.consumers.receiver.onEnd = (consumer) => this.#memberships.get(consumer.queue)?.onEnd(consumer);
    const destinations = filter === undefined ? this.state.destinations : undefined;
    this.#outgoing = new Outgoing(
      ...([coloring, channel, this.#life, this.#order, destinations] as const),
      (queue) => this.#isGroup(queue),
      (queue) => this.color === undefined && this.state.declared.has(queue),
    );
    this.methods = this.#methods();
    channel.once('close', () => {
      // The broker closes a channel that publishes to an exchange which was removed.
      if (!this.#life.isClosing) {
        this.state.destinations.doubt();
        this.state.upkeep.look();
      }
      this.#unlist?.();
      this.#endDiscards?.();
      for (const membership of this.#memberships.values()) membership.close();
    });
  }

  #methods(): ReadonlyMap<PropertyKey, Method> {
    const { channel, consumers, mode } = this;
    const { foreign } = consumers;
    const order = this.#order;
    const outgoing = this.#outgoing;
    const inOrder = IN_ORDER.map((name): [string, Method] => {
      const call = (channel as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[name];
      return [name, (...args: unknown[]) => order.run(async () => await call?.apply(channel, args))];
    });
    const methods: Record<string, Method> = {
      ...Object.fromEntries(inOrder),
      assertExchange: (exchange: string, type: string, options?: object) =>
        order.run(async () => {
          const reply = await channel.assertExchange(exchange, type, options);
          this.state.exchangeTypes.note(exchange, type);
          return reply;
        }),
      publish: (
        exchange: string,
        key: string,
        content: Buffer,
        options?: PublishOptions,
        onConfirm?: OnConfirm,
      ) => outgoing.publish(exchange, key, content, options, onConfirm),
      sendToQueue: (queue: string, content: Buffer, options?: PublishOptions, onConfirm?: OnConfirm) =>
        outgoing.publish('', queue, content, options, onConfirm),
      close: () => {
        const closed = order.run(() => outgoing.flushed().then(() => this.#close()));
        this.#life.closing();
        return closed.then(() => this.state.ended());
      },

      assertQueue: (queue: string | undefined, options?: QueueOptions) =>
        order.run(() => this.#assertQueue(queue ?? '', options)),
      checkQueue: (queue: string) => order.run(() => this.#named(queue, this.#checkQueue(queue))),
      purgeQueue: (queue: string) => order.run(() => channel.purgeQueue(this.#own(queue))),
      deleteQueue: (queue: string, options?: object) =>
        order.run(() => channel.deleteQueue(this.#own(queue), options)),
      bindQueue: (queue: string, source: string, pattern: string, args?: unknown) =>
        order.run(() => (this.#isGroup(queue) ? mode : channel).bindQueue(queue, source, pattern, args)),
      unbindQueue: (queue: string, source: string, pattern: string, args?: unknown) =>
        order.run(() => (this.#isGroup(queue) ? mode : channel).unbindQueue(queue, source, pattern, args)),

      consume: (queue: string, onMessage: OnMessage, options?: ConsumeOptions) =>
        order.run(() => this.#consume(queue, onMessage, options)),
      cancel: (consumerTag: string) => order.run(() => this.#cancel(consumerTag)),
      get: (queue: string, options?: { noAck?: boolean }) =>
        order.run(() =>
          this.#isGroup(queue) ? this.#get(queue, options) : consumers.getPlain(queue, options),
        ),
      prefetch: (count: number, global?: boolean) => {
        foreign.setPrefetch(count);
        return order.run(() => channel.prefetch(count, global));
      },
      recover: () => order.run(() => recover(channel, consumers)),
      ...this.#copies.settlements(settlements(channel, consumers)),
    };
    if ('waitForConfirms' in channel && typeof channel.waitForConfirms === 'function') {
      const { waitForConfirms } = channel;
      methods.waitForConfirms = () => outgoing.allSent().then(() => waitForConfirms.call(channel));
    }
    return new Map<PropertyKey, Method>(Object.entries(methods));
  }

  #isGroup(queue: string): boolean {
    if (!this.state.isGroup(queue) || this.#plain(queue)) return false;
    if (!this.#hasRouting || canBeRouted(queue)) return true;
    this.coloring.reporter.once(
      'COLORWAY_QUEUE_NAME_LONG',
      `Queue ${quote(queue)} has a name that is too long for its routing exchanges: it has no colors, and all its messages are the ` +
        "baseline's. Give it a name of at most 235 bytes, or list it in the option plain.",
      queue,
    );
    return false;
  }

  /**
   * A queue that can have no colors is nothing for a colored instance: it would read the baseline's.
   * @throws ColorwayError `COLORWAY_GROUP_NAME`, `COLORWAY_INVALID_OPTION`
   */
  #mayRead(queue: string, args: unknown): void {
    const isOurs = this.state.isGroup(queue) && !this.#plain(queue);
    if (!isOurs) return;
    if (this.color !== undefined && this.#hasRouting) routingNames(queue);
    if (!isStream(args)) return;
    if (this.color !== undefined) throw streamRefused(queue);
    this.state.addColorless(queue);
    this.coloring.reporter.once(
      'COLORWAY_QUEUE_IS_STREAM',
      `Queue ${quote(queue)} is a stream: it has no colors, and all its messages are the baseline's. A stream keeps what was read, so ` +
        'nothing tells when a color has handled its part.',
      queue,
    );
  }

  #own(queue: string): string {
    return this.#isGroup(queue) ? this.mode.ownQueue(queue) : queue;
  }

  async #assertQueue(queue: string, options: QueueOptions | undefined): Promise<object> {
    if (options?.exclusive === true && !isBrokersName(queue)) this.state.addColorless(queue);
    this.#mayRead(queue, options?.arguments);
    if (!this.#isGroup(queue)) return await this.channel.assertQueue(queue, options);
    this.state.lint(queue);
    const reply = await this.#named(queue, this.mode.assertQueue(queue, options));
    this.#endDiscards ??= serveDiscards(this);
    await this.#memberships.get(queue)?.declared();
    return reply;
  }

  /** A colored instance that only sends has no queue of its own, and asks for the one that it sends to. */
  async #checkQueue(queue: string): Promise<QueueState> {
    const own = this.#own(queue);
    const isThere = own === queue || (await this.state.topology.hasQueue(own));
    return await this.channel.checkQueue(isThere ? own : queue);
  }

  /** Answers with the name that the application knows. */
  async #named<Answer extends object>(queue: string, answer: Promise<Answer>): Promise<Answer> {
    const reply = await answer;
    return this.#isGroup(queue) ? { ...reply, queue } : reply;
  }

  async #consume(queue: string, onMessage: OnMessage, options: ConsumeOptions | undefined): Promise<object> {
    const { consumers } = this;
    this.#mayRead(queue, options?.arguments);
    if (!this.#isGroup(queue)) return await consumers.consumePlain(queue, onMessage, options);
    this.state.lint(queue);
    const membership = await this.#membership(queue);
    const isJoined = await membership.join();
    const consumer = consumers.want(queue, onMessage, options);
    if (isJoined) await consumers.read(consumer);
    consumers.keep(consumer);
    if (!isJoined) membership.settle();
    return { consumerTag: consumer.consumerTag };
  }

  async #get(queue: string, options: { noAck?: boolean } | undefined): Promise<AmqpMessage | false> {
    if (this.consumers.isPaused) return false;
    return (await (await this.#membership(queue)).joinToGet()) && (await this.consumers.get(queue, options));
  }

  async #cancel(consumerTag: string): Promise<object> {
    const queue = this.consumers.queueOf(consumerTag);
    const reply = await this.consumers.cancel(consumerTag);
    if (queue !== undefined && this.consumers.wanted(queue).length === 0) {
      this.#memberships.get(queue)?.close();
      this.#memberships.delete(queue);
    }
    return reply;
  }

  async #membership(queue: string): Promise<QueueMembership> {
    // First: which broker's queue it is.
    await brokerIdentity(this.state);
    let membership = this.#memberships.get(queue);
    if (membership === undefined) {
      this.#unlist ??= this.coloring.onClose('drain', () => this.#pause());
      membership = new QueueMembership(this.coloring, this, queue);
      this.#memberships.set(queue, membership);
    }
    return membership;
  }

  /** Closing is not leaving: the color's queue and its bindings stay, and so does its membership. */
  async #pause(): Promise<void> {
    this.#endDiscards?.();
    // Too late for new ones: adding the task again is refused.
    this.#unlist = undefined;
    for (const membership of this.#memberships.values()) membership.close();
    this.#memberships.clear();
    const { channel, consumers, scope } = this;
    const flushed = (): Promise<void> => this.#outgoing.flushed();
    await pauseChannel({ channel, consumers, scope, life: this.#life, flushed });
  }

  async #close(): Promise<void> {
    this.consumers.foreign.flush();
    await this.channel.close();
  }
}
