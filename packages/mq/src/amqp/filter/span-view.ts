import type { Color } from '@colorway/core';
import type { Scope } from '@colorway/core/background';
import type { Span, SpanStore } from './filter-spans.js';

/** The spans of one queue as they were a moment ago, read again and again. */
export class SpanView {
  readonly #store: SpanStore;
  readonly #graceMs: number;
  readonly #scope: Scope;
  #spans: ReadonlyMap<Color, readonly Span[]> = new Map();
  #readAt = Number.NEGATIVE_INFINITY;

  /** @param scope the view's own: it ends with {@link stop}, and with what owns it. */
  constructor(store: SpanStore, graceMs: number, scope: Scope) {
    this.#store = store;
    this.#graceMs = graceMs;
    this.#scope = scope;
  }

  /**
   * Reads once, and from then on four times within the grace. A consumer that has no view yet does not start. A reading that fails
   * is told once; meanwhile the view grows old, and takes no message for a color's.
   */
  async start(): Promise<void> {
    await this.refresh();
    this.#scope.every(Math.max(50, this.#graceMs / 4), 'reading its spans', (signal) => this.refresh(signal));
  }

  async refresh(signal?: AbortSignal): Promise<void> {
    const asked = performance.now();
    const spans = await this.#store.list(signal);
    if (asked < this.#readAt) return;
    this.#spans = spans;
    this.#readAt = asked;
  }

  stop(): void {
    void this.#scope.dispose(); // never rejects, and is waited for by the scope above
  }

  of(color: Color): readonly Span[] {
    return this.#spans.get(color) ?? [];
  }

  /** Whether all spans that count by now are known: they were written `graceMs` before. */
  get isCurrent(): boolean {
    return performance.now() - this.#readAt < this.#graceMs;
  }
}
