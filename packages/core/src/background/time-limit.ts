import type { StateStore } from '../directory.js';
import { ColorwayError } from '../errors.js';

/** Resolves after `ms`, or at once when the signal is aborted. Does not keep the process alive. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms).unref();
    signal?.addEventListener('abort', done, { once: true });
  });
}

/** A server that lives has answered by then. */
const LAST_MS = 1_000;

export interface WaitOptions {
  /** Ends the wait with its reason as soon as it is aborted. */
  readonly signal?: AbortSignal | undefined;
  /** Whether the wait keeps the process alive: that of somebody who awaits the outcome does. Default false. */
  readonly keepsAlive?: boolean;
}

/**
 * The outcome of a promise, or `onLate()` as an error when there is none within `ms`. What the promise
 * does later is ignored. Nothing is left when it has settled: no timer, no listener.
 */
export function within<T>(
  ms: number,
  promise: Promise<T>,
  onLate: () => Error,
  { signal, keepsAlive = false }: WaitOptions = {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    };
    const fail = (error: unknown): void => {
      done();
      reject(error);
    };
    const abort = (): void => fail(signal?.reason);
    const timer = setTimeout(() => fail(onLate()), ms);
    if (!keepsAlive) timer.unref();
    signal?.addEventListener('abort', abort, { once: true });
    promise.then((value) => {
      done();
      resolve(value);
    }, fail);
    if (signal?.aborted) abort();
  });
}

/**
 * Waits a moment, 1 s by default, for what a server was asked when the one who asks ends. It may be silent, or gone; nobody needs
 * the answer. Never rejects.
 */
export async function askedLast(answer: Promise<unknown>, ms = LAST_MS): Promise<void> {
  await within(ms, answer, () => new Error()).catch(() => {}); // See above.
}

/** Rejects with the signal's reason as soon as it is aborted; else the outcome of the promise. */
export function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

/**
 * How long to wait before try `attempt` (from 0): doubles from `firstMs` up to `capMs`, of which a random
 * half is taken off, so that processes that lost the same server do not return to it in step ("equal
 * jitter", AWS Architecture Blog, Exponential Backoff And Jitter).
 */
export function backoffMs(attempt: number, capMs: number, random: () => number = Math.random, firstMs = 100) {
  const full = Math.min(capMs, firstMs * 2 ** Math.min(attempt, 30));
  return full / 2 + (full / 2) * random();
}

/**
 * The same store; a call that is not answered within `ms` rejects with `COLORWAY_DIRECTORY_FAILED`. A write that was
 * given up may still be done later, as with any lost answer: writes are compare-and-set, so that is found out. Once the
 * signal is aborted every call rejects with its reason, and none is made any more.
 */
export function withTimeLimit(state: StateStore, ms: number, options: WaitOptions = {}): StateStore {
  const limit = async <T>(call: string, key: string, ask: () => Promise<T>): Promise<T> => {
    options.signal?.throwIfAborted();
    const late = (): Error =>
      new ColorwayError(
        'COLORWAY_DIRECTORY_FAILED',
        `The directory has not answered ${call} ${JSON.stringify(key)} within ${ms} ms.`,
      );
    return within(ms, ask(), late, options);
  };
  const now = state.now?.bind(state);
  return {
    get: (key) => limit('get', key, () => state.get(key)),
    list: (prefix) => limit('list', prefix, () => state.list(prefix)),
    create: (key, value) => limit('create', key, () => state.create(key, value)),
    compareAndSet: (key, value, version) =>
      limit('compareAndSet', key, () => state.compareAndSet(key, value, version)),
    compareAndDelete: (key, version) =>
      limit('compareAndDelete', key, () => state.compareAndDelete(key, version)),
    watch: (prefix, observer) => state.watch(prefix, observer),
    ...(now !== undefined && { now: () => limit('now', '', now) }),
  };
}
