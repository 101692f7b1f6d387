import { type Color, type Coloring, ColorwayError, quote, type StateStore } from '@colorway/core';
import { type Scope, sleep, withTimeLimit } from '@colorway/core/background';
import type { AmqpChannel, AmqpMessage, QueueOptions, QueueState } from '../amqp-channel.js';
import type { ConnectionState } from '../connection/connection-state.js';
import type { Mode, Owner } from '../mode.js';
import { sentAt } from '../sending/sent-at.js';
import { type Binding, isOpenNow, isWithin, SpanStore } from './filter-spans.js';
import { SpanView } from './span-view.js';

/**
 * For topologies that may not be touched: `GID_c_X` is bound beside `GID_X`, both get every message, and each
 * acknowledges what is the other's. See filter-spans.ts for whose is whose.
 *
 * What can go wrong, and how far: a consumer that has not read the directory for `graceMs` takes no message for a
 * color's, so those of the colors are handled twice until it reads again. A message is lost only if the clocks of a
 * publisher and of who wrote the span differ by more than `graceMs`.
 */
export class FilterMode implements Mode {
  readonly #coloring: Coloring;
  readonly #channel: AmqpChannel;
  readonly #state: ConnectionState;
  readonly #store: StateStore;
  readonly #graceMs: number;
  readonly #scope: Scope;
  readonly #views = new Map<string, SpanView>();

  constructor(
    coloring: Coloring,
    channel: AmqpChannel,
    state: ConnectionState,
    store: StateStore,
    graceMs: number,
    scope: Scope,
  ) {
    this.#coloring = coloring;
    this.#channel = channel;
    this.#state = state;
    this.#store = withTimeLimit(store, coloring.directoryTimeoutMs);
    this.#graceMs = graceMs;
    this.#scope = scope;
  }

  ownQueue(queue: string): string {
    return this.#coloring.color === undefined
      ? queue
      : this.#state.names.colored(queue, this.#coloring.color);
  }

  async assertQueue(queue: string, options: QueueOptions | undefined): Promise<QueueState> {
    const own = await this.#channel.assertQueue(this.ownQueue(queue), options);
    this.#state.declared.set(queue, options ?? {});
    return own;
  }

  async bindQueue(queue: string, source: string, pattern: string, args: unknown): Promise<object> {
    const bound = await this.#channel.bindQueue(this.ownQueue(queue), source, pattern, args);
    const known = this.#state.bindings.get(queue) ?? [];
    const binding: Binding = args === undefined ? { source, pattern } : { source, pattern, args };
    const others = known.filter((other) => JSON.stringify(other) !== JSON.stringify(binding));
    this.#state.bindings.set(queue, [...others, binding]);
    return bound;
  }

  /** A colored queue stays bound until it is withdrawn: the baseline leaves its color's messages to it. */
  async unbindQueue(queue: string, source: string, pattern: string, args: unknown): Promise<object> {
    if (this.#coloring.color !== undefined) return {};
    return await this.#channel.unbindQueue(queue, source, pattern, args);
  }

  async join(queue: string): Promise<void> {
    if (this.#views.has(queue)) return;
    const store = new SpanStore(this.#store, queue, this.#state.cluster);
    const { color } = this.#coloring;
    if (color !== undefined) await this.#restore(queue);
    if (color !== undefined) await store.open(color, this.#bindings(queue), Date.now() + this.#graceMs);
    const view = new SpanView(store, this.#graceMs, this.#scope.child(`queue ${queue}, filtered`));
    try {
      await view.start();
    } catch (error) {
      view.stop();
      throw error;
    }
    this.#views.set(queue, view);
  }

  owner(queue: string, message: AmqpMessage, color: Color | undefined, reader: Color | undefined): Owner {
    const view = this.#views.get(queue);
    const { exchange } = message.fields;
    if (exchange === '' || view === undefined) return this.#sentStraight(queue, view, color, reader);
    if (reader !== undefined && color !== reader) return OTHERS;
    if (color === undefined) return COLORLESS;
    const isColors = isWithin(view.of(color), exchange, sentAt(message));
    if (reader !== undefined)
      return isColors ? { kind: 'own', reason: 'within-span' } : { kind: 'foreign', reason: 'outside-span' };
    if (!view.isCurrent) return { kind: 'own', reason: 'stale-view' };
    return isColors ? { kind: 'foreign', reason: 'within-span' } : { kind: 'own', reason: 'outside-span' };
  }

  /** Nobody else has it. What came to the baseline and is of a color that consumes now, a dead letter say, is passed on. */
  #sentStraight(
    queue: string,
    view: SpanView | undefined,
    color: Color | undefined,
    reader: Color | undefined,
  ): Owner {
    const isOpen = color !== undefined && view?.isCurrent === true && isOpenNow(view.of(color));
    if (color === undefined || reader !== undefined || !isOpen)
      return { kind: 'own', reason: 'sent-straight' };
    const name = this.#state.names.colored(queue, color);
    return {
      kind: 'astray',
      reason: 'sent-straight',
      to: { exchange: '', routingKey: name, queue: name },
    };
  }

  /** Ends the span, waits until nothing that it gives to the color can still be published, and unbinds the queue. */
  async leave(queue: string, color: Color, signal?: AbortSignal): Promise<void> {
    const span = await new SpanStore(this.#store, queue, this.#state.cluster).end(
      color,
      Date.now() + this.#graceMs,
      signal,
    );
    if (span?.to === undefined) return;
    await this.#views.get(queue)?.refresh(signal);
    await sleep(Math.max(0, span.to + this.#graceMs - Date.now()), signal);
    signal?.throwIfAborted();
    const name = this.#state.names.colored(queue, color);
    for (const { source, pattern, args } of span.bindings) {
      await this.#state.side.run((channel) => channel.unbindQueue(name, source, pattern, args));
    }
  }

  left(queue: string, color: Color): void {
    if (color !== this.#coloring.color) return;
    this.#views.get(queue)?.stop();
    this.#views.delete(queue);
  }

  /** The queue goes when a color leaves; when it comes back, what the application declared is declared again. */
  async #restore(queue: string): Promise<void> {
    const { declared, side, topology } = this.#state;
    const own = this.ownQueue(queue);
    const options = declared.get(queue);
    if (options === undefined || (await topology.hasQueue(own))) return;
    await side.run((channel) => channel.assertQueue(own, options));
    for (const { source, pattern, args } of this.#bindings(queue))
      await side.run((channel) => channel.bindQueue(own, source, pattern, args));
  }

  #bindings(queue: string): readonly Binding[] {
    const bindings = this.#state.bindings.get(queue);
    if (bindings !== undefined) return bindings;
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `Queue ${quote(queue)} is consumed before it is bound, and filter mode has to know where its messages come from. Call bindQueue first.`,
    );
  }
}

const OTHERS: Owner = { kind: 'foreign', reason: 'other-color' };
const COLORLESS: Owner = { kind: 'own', reason: 'no-color' };
