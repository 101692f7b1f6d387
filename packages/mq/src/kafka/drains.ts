import type { Color } from '@colorway/core';
import type { OnLeave } from '../ownership/handover-state.js';
import type { Discarded } from './discarded.js';
import { type DrainerOptions, drainColor } from './drainer.js';

/** Whoever asked by `leaveGroup` to discard does it, and counts. Only where he has gone the consumers do. */
const DISCARD_AFTER_MS = 10_000;

export interface DrainsOptions extends Omit<DrainerOptions, 'color' | 'onLeave' | 'onDiscard'> {
  readonly mayDrain: (color: Color, onLeave: OnLeave) => Promise<boolean>;
  /** Whether it leaves because its membership ended: then it is for the consumers to do. */
  readonly isAskedFor: (color: Color) => boolean;
  readonly onDiscard: (color: Color, discarded: Discarded) => Promise<void>;
  readonly onFailed: (error: unknown) => void;
  readonly onDone: () => void;
}

/** One drain of a color at a time in a process: its topics are drained together, for they are one group. */
export class Drains {
  readonly #options: DrainsOptions;
  readonly #draining = new Set<Color>();
  readonly #discards = new Map<Color, number>();

  constructor(options: DrainsOptions) {
    this.#options = options;
  }

  wanted(color: Color, onLeave: OnLeave): void {
    const { onFailed, onDone, isAskedFor } = this.#options;
    if (this.#draining.has(color)) return;
    if (onLeave === 'discard' && !isAskedFor(color) && !this.#isOverdue(color)) return;
    this.#draining.add(color);
    void this.#drain(color, onLeave)
      .catch(onFailed)
      .finally(() => {
        this.#draining.delete(color);
        onDone();
      });
  }

  async #drain(color: Color, onLeave: OnLeave): Promise<void> {
    const { mayDrain, isAskedFor: _, onDiscard, onFailed: __, onDone: ___, ...options } = this.#options;
    if (!(await mayDrain(color, onLeave))) return;
    await drainColor({ ...options, color, onLeave, onDiscard: (discarded) => onDiscard(color, discarded) });
  }

  #isOverdue(color: Color): boolean {
    const since = this.#discards.get(color) ?? performance.now();
    this.#discards.set(color, since);
    if (performance.now() - since < DISCARD_AFTER_MS) return false;
    this.#discards.delete(color);
    return true;
  }
}
