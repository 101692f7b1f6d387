import {
  type Color,
  type DirectoryView,
  isColor,
  type StateEntry,
  type StateStore,
  UNANSWERED_VIEW,
} from '@colorway/core';
import { FORGET_AFTER_MS, Scope, updateEntry } from '@colorway/core/background';
import { environmentKey } from './environment.js';

/*
 * When an environment was last used by a request or a message: the key `used/<color>`, written at most about once a
 * minute by all processes together. It is a hint for people: a write that fails is tried again by the next use.
 */

export const USED_PREFIX = 'used/';

const EVERY_MS = 60_000;
const SUBJECT = 'To note when environments are used';
/** Anybody can send colors; no more are kept in mind. */
const MAX_COLORS = 1_000;
/** And no more are looked up at once. */
const MAX_WRITES = 4;
/** How long, after a color that was made up, no other is looked up that the view does not know. */
const MADE_UP_MS = 1_000;

/** Notes in the directory that colors are used. */
export class LastUse {
  readonly #state: StateStore;
  readonly #scope: Scope;
  readonly #now: () => number;
  readonly #noted = new Map<Color, number>();
  readonly #view: () => DirectoryView;
  #writes = 0;
  #madeUpUntil = Number.NEGATIVE_INFINITY;

  /**
   * @param state with a time limit for each call.
   * @param view tells which colors have instances or members. The others are looked up too, but not all of them at once:
   * anybody can make up colors, and each costs the directory a read.
   */
  constructor(
    state: StateStore,
    now: () => number = Date.now,
    scope: Scope = new Scope('last use'),
    view: () => DirectoryView = () => UNANSWERED_VIEW,
  ) {
    this.#state = state;
    this.#scope = scope;
    this.#now = now;
    this.#view = view;
  }

  /** To be called for each request and message of a color: a map look-up, but for once a minute. */
  note(color: Color): void {
    const now = this.#now();
    const noted = this.#noted.get(color);
    if (noted !== undefined && now - noted < EVERY_MS) return;
    if (this.#writes >= MAX_WRITES || this.#scope.isDisposed) return;
    if (now < this.#madeUpUntil && !isKnown(color, this.#view())) return;
    if (this.#noted.size >= MAX_COLORS) this.#noted.clear();
    this.#noted.set(color, now);
    this.#scope.spawn(`note that ${color} is used`, () => this.#attempt(color, now));
  }

  async #attempt(color: Color, now: number): Promise<void> {
    const { reporter } = this.#scope;
    this.#writes++;
    try {
      await this.#write(color, now);
      reporter.working('COLORWAY_LAST_USE_FAILED', SUBJECT);
    } catch (error) {
      if (!this.#scope.isDisposed) reporter.failing('COLORWAY_LAST_USE_FAILED', SUBJECT, error);
    } finally {
      this.#writes--;
    }
  }

  async #write(color: Color, now: number): Promise<void> {
    // A color that somebody made up has no environment, and leaves nothing behind.
    if ((await this.#state.get(environmentKey(color))) === undefined) {
      this.#madeUpUntil = this.#now() + MADE_UP_MS;
      return;
    }
    await updateEntry(this.#state, usedKey(color), async (entry) => {
      const keep = { kind: 'keep', result: undefined } as const;
      const ageMs = (by: number): number => by - ((entry && parseUsed(entry)?.at) ?? 0);
      // One from the future says that the clock of this host is behind.
      if (ageMs(now) >= 0 && ageMs(now) < EVERY_MS) return keep;
      // It is compared with what other hosts wrote, and with when the environment was made.
      const at = (await this.#state.now?.()) ?? now;
      return ageMs(at) < EVERY_MS ? keep : { kind: 'put', value: String(at), result: undefined };
    });
  }
}

/**
 * Removes what was noted of environments that are gone, a day later: who noted it while the environment was being ended
 * has left the key behind.
 */
export async function forgetUsed(state: StateStore, now: number): Promise<void> {
  for (const entry of await state.list(USED_PREFIX)) {
    const read = parseUsed(entry);
    if (read !== undefined && Math.abs(now - read.at) < FORGET_AFTER_MS) continue;
    const color = read?.color;
    if (color !== undefined && (await state.get(environmentKey(color))) !== undefined) continue;
    await state.compareAndDelete(entry.key, entry.version);
  }
}

/** Whether an instance or a member of some service has the color. */
function isKnown(color: Color, { services }: DirectoryView): boolean {
  for (const service of services.keys())
    if (services.get(service)?.colored.get(color) !== undefined) return true;
  return false;
}

export function usedKey(color: Color): string {
  return USED_PREFIX + color;
}

/** `undefined` for a key or a value that is none of ours. */
export function parseUsed({
  key,
  value,
}: StateEntry): { readonly color: Color; readonly at: number } | undefined {
  const color = key.slice(USED_PREFIX.length);
  const at = Number(value);
  return key.startsWith(USED_PREFIX) && isColor(color) && Number.isFinite(at) && at > 0
    ? { color, at }
    : undefined;
}
