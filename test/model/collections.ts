import type { State } from './layout.js';

// Taken out of the globals, which are slow to reach from a test.
const { imul } = Math;

/** Whole numbers below 2^31, as many as there are. */
export class IntList {
  #items = new Int32Array(1 << 12);
  length = 0;

  push(...items: readonly number[]): void {
    if (this.length + items.length > this.#items.length) {
      const grown = new Int32Array(this.#items.length * 2);
      grown.set(this.#items);
      this.#items = grown;
    }
    for (const item of items) this.#items[this.length++] = item;
  }

  get(at: number): number {
    return this.#items[at] as number;
  }
}

/** The states of one depth, one after the other in one piece of memory. */
export class FrontierQueue {
  readonly #size: number;
  readonly #ids = new IntList();
  #bytes: Uint8Array;

  constructor(size: number) {
    this.#size = size;
    this.#bytes = new Uint8Array(size << 8);
  }

  get length(): number {
    return this.#ids.length;
  }

  push(state: State, id: number): void {
    const at = this.length * this.#size;
    if (at + this.#size > this.#bytes.length) {
      const grown = new Uint8Array(this.#bytes.length * 2);
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(state, at);
    this.#ids.push(id);
  }

  state(at: number): State {
    return this.#bytes.slice(at * this.#size, (at + 1) * this.#size);
  }

  id(at: number): number {
    return this.#ids.get(at);
  }
}

/** The states that were seen, as 64 bits of hash each, numbered in order. Open addressing, at most half full. */
export class StateSet {
  #slots = new Int32Array(1 << 16);
  #low = new Int32Array(1 << 15);
  #high = new Int32Array(1 << 15);
  size = 0;

  add(state: State): { readonly id: number; readonly isNew: boolean } {
    let low = 0x811c9dc5 | 0;
    let high = 0x2545f491 | 0;
    for (let at = 0; at < state.length; at++) {
      low = imul(low ^ (state[at] as number), 0x01000193);
      high = imul((high << 5) | (high >>> 27), 0x2c1b3c6d) ^ (state[at] as number);
    }
    low = mixed(low);
    high = mixed(high);
    const mask = this.#slots.length - 1;
    for (let slot = low & mask; ; slot = (slot + 1) & mask) {
      const id = (this.#slots[slot] as number) - 1;
      if (id === -1) return { id: this.#insert(slot, low, high), isNew: true };
      if (this.#low[id] === low && this.#high[id] === high) return { id, isNew: false };
    }
  }

  #insert(slot: number, low: number, high: number): number {
    const id = this.size++;
    this.#low[id] = low;
    this.#high[id] = high;
    this.#slots[slot] = id + 1;
    if (this.size * 2 >= this.#slots.length) this.#grow();
    return id;
  }

  #grow(): void {
    const slots = new Int32Array(this.#slots.length * 2);
    this.#low = grown(this.#low);
    this.#high = grown(this.#high);
    const mask = slots.length - 1;
    for (let id = 0; id < this.size; id++) {
      let slot = (this.#low[id] as number) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
    this.#slots = slots;
  }
}

function grown(items: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
  const twice = new Int32Array(items.length * 2);
  twice.set(items);
  return twice;
}

/** MurmurHash3's finalizer. */
function mixed(hash: number): number {
  let bits = hash;
  bits = imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return bits ^ (bits >>> 16);
}
