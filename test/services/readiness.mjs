// @ts-check
import { setTimeout as sleep } from 'node:timers/promises';
import { ServiceError } from './service-error.mjs';

/**
 * Asks until the server is ready.
 *
 * @template T
 * @param {() => Promise<T>} probe
 * @param {{ what: string, deadlineMs: number, ended?: () => string | undefined, log: () => string }} options
 *   `ended` says how the server ended, if it did: then waiting is over at once.
 * @throws {ServiceError} `SERVICE_NOT_READY`, with the end of the log.
 */
export async function ready(probe, { what, deadlineMs, ended = () => undefined, log }) {
  const until = performance.now() + deadlineMs;
  for (;;) {
    /** @type {unknown} */
    let cause;
    try {
      return await probe();
    } catch (error) {
      cause = error;
    }
    const end = ended();
    const late = performance.now() > until;
    if (end !== undefined || late) {
      const why =
        end ?? `not ready after ${deadlineMs / 1000} s (${cause instanceof Error ? cause.message : cause})`;
      const tail = log();
      throw new ServiceError('SERVICE_NOT_READY', `${what}: ${why}.${tail && ` Its log ends:\n${tail}`}`, {
        cause,
      });
    }
    await sleep(50);
  }
}
