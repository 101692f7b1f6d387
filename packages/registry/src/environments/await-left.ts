import {
  type Color,
  isColorwayError,
  parseSubscription,
  type StateStore,
  SUBSCRIPTION_PREFIX,
  type Subscription,
  subscriptionPrefix,
  waitsForDirectory,
} from '@colorway/core';
import {
  callSafely,
  defaultReporter,
  type Reporter,
  reasonOf,
  unlessAborted,
} from '@colorway/core/background';
import { discardedIn, type LeaveProgress, progressOf } from './leave-progress.js';
import { subscriptionEntries } from './leaving.js';

export interface AwaitLeftOptions {
  readonly service?: string;
  readonly onProgress?: ((progress: LeaveProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly reporter?: Reporter | undefined;
}

/** A watch reports changes; this is for the one that lost its connection, and for what only the clock says. */
const LOOK_EVERY_MS = 5_000;

/**
 * Waits until nothing of a color, or of one service of it, leaves any more, and removes the records of what
 * has left. Returns how many messages were given up. Keeps the process alive. A directory that fails after its first
 * answer is asked again.
 *
 * @throws the signal's reason when it is aborted; the leaving goes on.
 */
export async function awaitLeft(
  state: StateStore,
  color: Color,
  { service, onProgress, signal, reporter = defaultReporter() }: AwaitLeftOptions,
): Promise<number> {
  const seen = new Map<string, Subscription>();
  const reported = new Map<string, string>();
  let awaySince: number | undefined;

  const report = (key: string, progress: LeaveProgress): void => {
    const text = JSON.stringify(progress);
    if (onProgress === undefined || reported.get(key) === text) return;
    reported.set(key, text);
    callSafely(reporter, 'onProgress', () => onProgress(progress));
  };
  const look = async (): Promise<boolean> => {
    const leaving = new Set<string>();
    for (const entry of await subscriptionEntries(state, color, service)) {
      const read = parseSubscription(entry);
      // One that was joined again has left before.
      if (read === undefined || read.state === 'joined') continue;
      if (read.state === 'leaving') leaving.add(entry.key);
      seen.set(entry.key, read);
      report(entry.key, progressOf(read, read.state, Date.now()));
      if (read.state === 'left') await state.compareAndDelete(entry.key, entry.version);
    }
    for (const [key, last] of seen) {
      // Somebody else who waited has removed it.
      if (last.state !== 'leaving' || leaving.has(key)) continue;
      seen.set(key, { ...last, state: 'left' });
      report(key, progressOf(last, 'left', Date.now()));
    }
    return leaving.size === 0;
  };
  let hasLooked = false;
  const patientLook = async (): Promise<boolean> => {
    try {
      const isDone = await look();
      hasLooked = true;
      awaySince = undefined;
      return isDone;
    } catch (error) {
      if (!hasLooked || !isAway(error)) throw error;
      awaySince ??= Date.now();
      const wait = { ...waitsForDirectory(reasonOf(error)), since: awaySince };
      for (const [key, last] of seen) {
        if (last.state === 'leaving') report(key, progressOf(last, 'leaving', Date.now(), wait));
      }
      return false;
    }
  };

  const prefix = service === undefined ? SUBSCRIPTION_PREFIX : subscriptionPrefix(service, color);
  await untilTrue(state, prefix, patientLook, signal);
  return discardedIn(seen.values());
}

/** Asks at once, and again after each change below the prefix. */
async function untilTrue(
  state: StateStore,
  prefix: string,
  ask: () => Promise<boolean>,
  signal: AbortSignal | undefined,
): Promise<void> {
  let ring = (): void => {};
  const watch = state.watch(prefix, { next: () => ring(), current: () => {}, error: () => {} });
  const timer = setInterval(() => ring(), LOOK_EVERY_MS);
  const abort = (): void => ring();
  signal?.addEventListener('abort', abort);
  try {
    for (;;) {
      signal?.throwIfAborted();
      const rung = new Promise<void>((resolve) => {
        ring = resolve;
      });
      if (await (signal === undefined ? ask() : unlessAborted(signal, ask()))) return;
      await rung;
    }
  } finally {
    clearInterval(timer);
    watch.close();
    signal?.removeEventListener('abort', abort);
  }
}

function isAway(error: unknown): boolean {
  return isColorwayError(error) && error.code === 'COLORWAY_DIRECTORY_FAILED';
}
