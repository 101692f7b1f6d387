import type { Color } from '@colorway/core';
import type { Span, SpanStore } from './filter-spans.js';

/** The spans of one queue as they were a moment ago, read again and again. */
export class SpanView {
  readonly #store: SpanStore;
  readonly #graceMs: number;
  #spans: ReadonlyMap<Color, readonly Span[]> = new Map();
  #readAt = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(store: SpanStore, graceMs: number) {
    this.#store = store;
    this.#graceMs = graceMs;
  }

  /** Reads once, and from then on four times within the grace. A consumer that has no view yet does not start. */
  async start(): Promise<void> {
    await this.refresh();
    this.#timer ??= setInterval(
      () => {
        this.refresh().catch(() => {}); // the age of the view tells
      },
      Math.max(50, this.#graceMs / 4),
    ).unref();
  }

  async refresh(): Promise<void> {
    const asked = performance.now();
    const spans = await this.#store.list();
    if (asked < this.#readAt) return;
    this.#spans = spans;
    this.#readAt = asked;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  of(color: Color): readonly Span[] {
    return this.#spans.get(color) ?? [];
  }

  /** Whether all spans that count by now are known: they were written `graceMs` before. */
  get isCurrent(): boolean {
    return performance.now() - this.#readAt < this.#graceMs;
  }
}
