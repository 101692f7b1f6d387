import { type Color, type Coloring, ColorwayError, quote, type StateStore } from '@colorway/core';
import { messageColor } from '../message/index.js';
import type { AmqpChannel, AmqpMessage, QueueOptions, QueueState } from './amqp-channel.js';
import type { ConnectionState } from './connection-state.js';
import { type Binding, isWithin, SpanStore } from './filter-spans.js';
import type { Mode } from './mode.js';
import { sentAt } from './sent-at.js';
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
  readonly #views = new Map<string, SpanView>();

  constructor(
    coloring: Coloring,
    channel: AmqpChannel,
    state: ConnectionState,
    store: StateStore,
    graceMs: number,
  ) {
    this.#coloring = coloring;
    this.#channel = channel;
    this.#state = state;
    this.#store = store;
    this.#graceMs = graceMs;
    channel.once('close', () => {
      for (const view of this.#views.values()) view.stop();
    });
  }

  ownQueue(queue: string): string {
    return this.#coloring.color === undefined
      ? queue
      : this.#state.names.colored(queue, this.#coloring.color);
  }

  assertQueue(queue: string, options: QueueOptions | undefined): Promise<QueueState> {
    return this.#channel.assertQueue(this.ownQueue(queue), options);
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
    const store = new SpanStore(this.#store, queue);
    const { color } = this.#coloring;
    if (color !== undefined) await store.open(color, this.#bindings(queue), Date.now() + this.#graceMs);
    const view = new SpanView(store, this.#graceMs);
    await view.start();
    this.#views.set(queue, view);
  }

  isForeign(queue: string, message: AmqpMessage, reader: Color | undefined): boolean {
    const view = this.#views.get(queue);
    const color = messageColor(message.properties.headers, this.#coloring.carriers);
    const { exchange } = message.fields;
    // Sent straight to this queue: nobody else has it.
    if (exchange === '' || view === undefined) return false;
    if (reader !== undefined)
      return color !== reader || !isWithin(view.of(reader), exchange, sentAt(message));
    return color !== undefined && view.isCurrent && isWithin(view.of(color), exchange, sentAt(message));
  }

  /** Ends the span, waits until nothing that it gives to the color can still be published, and unbinds the queue. */
  async leave(queue: string, color: Color): Promise<void> {
    const span = await new SpanStore(this.#store, queue).end(color, Date.now() + this.#graceMs);
    if (span?.to === undefined) return;
    await this.#views.get(queue)?.refresh();
    await new Promise((resolve) =>
      setTimeout(resolve, span.to === undefined ? 0 : span.to + this.#graceMs - Date.now()),
    );
    const name = this.#state.names.colored(queue, color);
    for (const { source, pattern, args } of span.bindings) {
      await this.#state.side.run((channel) => channel.unbindQueue(name, source, pattern, args));
    }
  }

  async left(queue: string, color: Color): Promise<void> {
    if (color !== this.#coloring.color) return;
    this.#views.get(queue)?.stop();
    this.#views.delete(queue);
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
