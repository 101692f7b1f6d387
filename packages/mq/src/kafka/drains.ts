import type { Color } from '@colorway/core';
import type { OnLeave } from '../ownership/handover-state.js';
import { type DrainerOptions, drainColor } from './drainer.js';

/** Whoever asked to discard does it, and counts. Only where he has gone the consumers of the baseline do. */
const DISCARD_AFTER_MS = 10_000;

export interface DrainsOptions extends Omit<DrainerOptions, 'color' | 'onLeave' | 'onDiscard'> {
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
    const { onFailed, onDone, ...options } = this.#options;
    if (this.#draining.has(color)) return;
    if (onLeave === 'discard' && !this.#isOverdue(color)) return;
    this.#draining.add(color);
    void drainColor({ ...options, color, onLeave })
      .catch(onFailed)
      .finally(() => {
        this.#draining.delete(color);
        onDone();
      });
  }

  #isOverdue(color: Color): boolean {
    const since = this.#discards.get(color) ?? performance.now();
    this.#discards.set(color, since);
    if (performance.now() - since < DISCARD_AFTER_MS) return false;
    this.#discards.delete(color);
    return true;
  }
}
