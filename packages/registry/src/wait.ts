import type { ColorwayError } from '@colorway/core';

/** Resolves after `ms`, or at once when the signal is aborted. Does not keep the process alive. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms).unref();
    signal.addEventListener('abort', done, { once: true });
  });
}

/**
 * The outcome of a promise, or `onLate()` as an error when there is none within `ms`. What the promise
 * does later is nobody's concern. Does not keep the process alive.
 */
export function within<T>(ms: number, promise: Promise<T>, onLate: () => ColorwayError): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(onLate()), ms).unref();
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * How long to wait before try `attempt` (from 0): doubles from 100 ms up to `capMs`, of which a random
 * half is taken off, so that services that lost the same directory do not return to it in step ("equal
 * jitter", AWS Architecture Blog, Exponential Backoff And Jitter).
 */
export function backoffMs(attempt: number, capMs: number, random: () => number = Math.random): number {
  const full = Math.min(capMs, 100 * 2 ** Math.min(attempt, 30));
  return full / 2 + (full / 2) * random();
}
