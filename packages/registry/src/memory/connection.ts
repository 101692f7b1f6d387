import { ColorwayError } from '@colorway/core';

/** How a directory is away: calls fail at once, or are not answered until it is back. */
export type Away = 'refuse' | 'hang';

/** The line between a memory directory and all who use it; it can be cut. */
export class Connection {
  #away: Away | undefined;
  readonly #hanging = new Set<() => void>();
  readonly #listeners = new Set<(error: Error | undefined) => void>();

  get up(): boolean {
    return this.#away === undefined;
  }

  disconnect(away: Away): void {
    this.#away = away;
    if (away === 'hang') return;
    for (const told of this.#listeners) told(refused());
    this.#answer();
  }

  reconnect(): void {
    this.#away = undefined;
    for (const told of this.#listeners) told(undefined);
    this.#answer();
  }

  /** Told with an error when the line is cut, and without when it is mended. A hanging line tells nothing. */
  onChange(listener: (error: Error | undefined) => void): void {
    this.#listeners.add(listener);
  }

  /** Does `work` as a call to the directory would: never in the same turn, and only while the line stands. */
  async call<T>(work: () => T): Promise<T> {
    await undefined;
    while (this.#away === 'hang') await new Promise<void>((resolve) => this.#hanging.add(resolve));
    if (this.#away !== undefined) throw refused();
    return work();
  }

  #answer(): void {
    for (const answer of this.#hanging) answer();
    this.#hanging.clear();
  }

  /** Why a watch that begins now cannot be served; `undefined` when it can. */
  refusal(): Error | undefined {
    return this.#away === 'refuse' ? refused() : undefined;
  }
}

function refused(): ColorwayError {
  return new ColorwayError(
    'COLORWAY_DIRECTORY_FAILED',
    'The memory directory is disconnected. Call reconnect() on it.',
  );
}
