/**
 * An immutable map whose next version costs about the square root of its size, not its size: a large
 * shared layer, and a small one of recent changes in front of it. The two are merged when the small one
 * outgrows the square root of the large one.
 */
export class LayeredMap<V extends object> {
  readonly #settled: ReadonlyMap<string, V>;
  /** `undefined` marks a key that was removed. */
  readonly #recent: ReadonlyMap<string, V | undefined>;

  private constructor(settled: ReadonlyMap<string, V>, recent: ReadonlyMap<string, V | undefined>) {
    this.#settled = settled;
    this.#recent = recent;
  }

  static empty<V extends object>(): LayeredMap<V> {
    return new LayeredMap<V>(new Map(), new Map());
  }

  get(key: string): V | undefined {
    if (this.#recent.size > 0) {
      const recent = this.#recent.get(key);
      if (recent !== undefined) return recent;
      if (this.#recent.has(key)) return undefined;
    }
    return this.#settled.get(key);
  }

  /** The next version: these keys set, or removed where the value is `undefined`. */
  with(changes: ReadonlyMap<string, V | undefined>): LayeredMap<V> {
    if (changes.size === 0) return this;
    const recent = new Map(this.#recent);
    for (const [key, value] of changes) recent.set(key, value);
    if (recent.size * recent.size <= this.#settled.size) return new LayeredMap(this.#settled, recent);
    const settled = new Map(this.#settled);
    for (const [key, value] of recent) {
      if (value === undefined) settled.delete(key);
      else settled.set(key, value);
    }
    return new LayeredMap(settled, new Map());
  }

  *entries(): IterableIterator<[string, V]> {
    for (const entry of this.#settled) if (!this.#recent.has(entry[0])) yield entry;
    for (const [key, value] of this.#recent) if (value !== undefined) yield [key, value];
  }

  *keys(): IterableIterator<string> {
    for (const [key] of this.entries()) yield key;
  }
}
