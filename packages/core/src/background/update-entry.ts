import type { StateEntry, StateStore } from '../directory.js';
import { ColorwayError } from '../errors.js';

/** What an attempt returns when somebody else changed the same key in between. */
export const CONFLICT = Symbol('conflict');

const MAX_ATTEMPTS = 40;
/** Long enough that a writer far away from the directory gets in between twenty that are near. */
const MAX_PAUSE_MS = 200;

/**
 * Calls `attempt` until nobody else got in between, with pauses that grow and are random.
 *
 * @param what is changed, for the message.
 * @throws ColorwayError `COLORWAY_CONFLICT` after 40 attempts, about 3 s; the signal's reason when it is aborted.
 */
export async function retryConflicts<T>(
  what: string,
  attempt: () => Promise<T | typeof CONFLICT>,
  signal?: AbortSignal,
): Promise<T> {
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
    signal?.throwIfAborted();
    const outcome = await attempt();
    if (outcome !== CONFLICT) return outcome;
    await pause(Math.random() * Math.min(MAX_PAUSE_MS, 2 ** attempts));
  }
  throw new ColorwayError(
    'COLORWAY_CONFLICT',
    `${what}: others changed it ${MAX_ATTEMPTS} times in between. Try again later.`,
  );
}

/** Somebody awaits it, so it keeps the process alive. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** What is to become of an entry; `result` is for the caller. */
export type EntryChange<T> =
  | { readonly kind: 'keep'; readonly result: T }
  | { readonly kind: 'put'; readonly value: string; readonly result: T }
  | { readonly kind: 'delete'; readonly result: T };

export interface UpdatedEntry<T> {
  readonly result: T;
  /** What stands now; `undefined` where nothing does. */
  readonly entry: StateEntry | undefined;
  /** Whether this call wrote it. */
  readonly written: boolean;
}

/**
 * Reads a key, asks `change` what is to become of it, and writes that by compare-and-set; asks again when
 * somebody else was faster.
 *
 * @throws ColorwayError `COLORWAY_CONFLICT`; whatever `change` and the store throw.
 */
export function updateEntry<T>(
  state: StateStore,
  key: string,
  change: (standing: StateEntry | undefined) => EntryChange<T> | Promise<EntryChange<T>>,
  signal?: AbortSignal,
): Promise<UpdatedEntry<T>> {
  return retryConflicts(
    `The directory key ${JSON.stringify(key)}`,
    async (): Promise<UpdatedEntry<T> | typeof CONFLICT> => {
      const standing = await state.get(key);
      const wanted = await change(standing);
      const { result } = wanted;
      switch (wanted.kind) {
        case 'keep':
          return { result, entry: standing, written: false };
        case 'delete': {
          if (standing === undefined) return { result, entry: undefined, written: false };
          const deleted = await state.compareAndDelete(key, standing.version);
          return deleted ? { result, entry: undefined, written: true } : CONFLICT;
        }
        case 'put': {
          const entry =
            standing === undefined
              ? await createEntry(state, key, wanted.value)
              : await state.compareAndSet(key, wanted.value, standing.version);
          return entry === undefined ? CONFLICT : { result, entry, written: true };
        }
      }
    },
    signal,
  );
}

async function createEntry(state: StateStore, key: string, value: string): Promise<StateEntry | undefined> {
  const { created, entry } = await state.create(key, value);
  return created ? entry : undefined;
}
