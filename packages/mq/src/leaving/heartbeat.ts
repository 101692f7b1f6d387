import {
  isColorwayError,
  PULSE_EVERY_MS,
  pulseKey,
  type StateEntry,
  type StateStore,
  type SubscriptionName,
} from '@colorway/core';
import { type Scope, updateEntry } from '@colorway/core/background';

/**
 * Says in the directory, every 20 s, that a colored consumer is alive: a hint for people who ask whether an
 * environment is ready. Several processes that consume the same write one heartbeat between them. The scope ends it,
 * and takes it out of the directory; another process that consumes the same writes its own, in 20 s at most.
 *
 * @param state with a time limit for each call.
 */
export function startHeartbeat(scope: Scope, state: StateStore, name: SubscriptionName): void {
  const key = pulseKey(name);
  let last: StateEntry | undefined;
  const beat = async (): Promise<void> => {
    last = await writeHeartbeat(state, key);
  };
  scope.spawn(`heartbeat ${key}`, () => beat().catch(unlessAway));
  scope.every(PULSE_EVERY_MS, `heartbeat ${key}`, () => beat().catch(unlessAway));
  scope.defer(async () => {
    if (last !== undefined) await state.compareAndDelete(key, last.version).catch(unlessAway);
  });
}

/** Nothing where another process has written one lately. */
async function writeHeartbeat(state: StateStore, key: string): Promise<StateEntry | undefined> {
  const now = Date.now();
  const { entry } = await updateEntry(state, key, (standing) => {
    // Half of the time: this process's own last heartbeat must not keep it from the next.
    const isFresh = standing !== undefined && now - Number(standing.value) < PULSE_EVERY_MS / 2;
    return isFresh
      ? { kind: 'keep', result: undefined }
      : { kind: 'put', value: String(now), result: undefined };
  });
  return entry;
}

/** Nothing depends on it, and that the directory is away is reported by whoever watches it. */
function unlessAway(error: unknown): void {
  if (
    isColorwayError(error) &&
    (error.code === 'COLORWAY_DIRECTORY_FAILED' || error.code === 'COLORWAY_CONFLICT')
  )
    return;
  throw error;
}
