import type { Color } from '@colorway/core';

/** Colors with fences that count no more, and when that was seen last, until a read that began later finds none. */
export class Leftovers {
  readonly #seen = new Map<Color, number>();

  get colors(): Color[] {
    return [...this.#seen.keys()];
  }

  add(color: Color, now: number): void {
    this.#seen.set(color, now);
  }

  /** Of these the directory was asked, by a read that began at `at`: what it finds is to be added after this. */
  asked(colors: readonly Color[], at: number): void {
    for (const color of colors) if ((this.#seen.get(color) ?? 0) <= at) this.#seen.delete(color);
  }
}
