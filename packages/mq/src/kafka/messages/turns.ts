import { sleep } from '@colorway/core/background';

/** Who holds a turn while nobody else gets one for so long has lost it: a handler that hangs holds up its own messages alone. */
const LONG_MS = 60_000;
const BEAT_MS = 500;

/**
 * The turns of one consumer's handlers. KafkaJS calls them for one partition at a time, or for as many as the application
 * says (`partitionsConsumedConcurrently`), and they may count on it: one transactional producer has one transaction at a
 * time. A drain borrows the same handlers with a consumer of its own, so both take turns.
 */
export class Turns {
  readonly #most: number;
  readonly #longMs: number;
  #taken = 0;
  #round = 0;
  readonly #waiting: ((turn: number) => void)[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(most = 1, { longMs = LONG_MS }: { readonly longMs?: number } = {}) {
    this.#most = Math.max(1, most);
    this.#longMs = longMs;
  }

  /** A turn, at once where one is free; to be given back with {@link release}. First come, first served. */
  take(): number | Promise<number> {
    if (this.#taken < this.#most) {
      this.#taken++;
      return this.#round;
    }
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#timer === undefined) this.#watch();
    });
  }

  release(turn: number): void {
    // It was lost, and somebody else may have it.
    if (turn !== this.#round) return;
    this.#taken--;
    this.#serve();
  }

  #serve(): void {
    while (this.#taken < this.#most) {
      const next = this.#waiting.shift();
      if (next === undefined) break;
      this.#taken++;
      next(this.#round);
    }
    if (this.#timer !== undefined) this.#watch();
  }

  /** As long as somebody waits, from the last turn on. */
  #watch(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#waiting.length === 0) return;
    this.#timer = setTimeout(() => {
      this.#round++;
      this.#taken = 0;
      this.#serve();
    }, this.#longMs).unref();
  }
}

/** Calls a handler in its turn. False, and not called, where it is not wanted any more once the turn has come. */
export async function inTurn(
  turns: Turns,
  { heartbeat, isWanted, handle, failed }: TurnWork,
): Promise<boolean> {
  const taken = turns.take();
  const turn = typeof taken === 'number' ? taken : await awaitTurn(turns, taken, heartbeat);
  try {
    if (typeof taken !== 'number' && !isWanted()) return false;
    await handle();
    return true;
  } catch (error) {
    failed?.(error);
    throw error;
  } finally {
    turns.release(turn);
  }
}

export interface TurnWork {
  readonly heartbeat: () => Promise<void>;
  /** Asked after a wait. */
  readonly isWanted: () => boolean;
  readonly handle: () => Promise<void>;
  /** Told of what the handler throws. */
  readonly failed?: (error: unknown) => void;
}

/** Waits as for a slow handler: the group hears of the member meanwhile. Rejects as soon as a heartbeat does. */
export async function whileBeating<T>(coming: Promise<T>, heartbeat: () => Promise<void>): Promise<T> {
  const come = coming.then((value) => ({ value }));
  for (;;) {
    const found = await Promise.race([come, sleep(BEAT_MS)]);
    if (found !== undefined) return found.value;
    await heartbeat();
  }
}

async function awaitTurn(
  turns: Turns,
  coming: Promise<number>,
  heartbeat: () => Promise<void>,
): Promise<number> {
  try {
    return await whileBeating(coming, heartbeat);
  } catch (error) {
    void coming.then((turn) => turns.release(turn));
    throw error;
  }
}
