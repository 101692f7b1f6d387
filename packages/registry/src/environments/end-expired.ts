import { type Color, quote, type StateEntry, type StateStore } from '@colorway/core';
import { endEnvironment } from './end-environment.js';
import { isOver, parseEnvironment } from './environment.js';
import { forgetLeft } from './leaving.js';

/**
 * Ends the environments that have expired, and finishes those whose end was begun, each by itself. Returns the colors
 * that this call ended.
 *
 * @param entries of all environments, as they were listed: one that has changed since is left alone.
 * @param onOutcome is given what was tried, and what it failed with; `undefined` where it worked.
 */
export async function endExpired(
  state: StateStore,
  now: number,
  entries: readonly StateEntry[],
  onOutcome: (subject: string, error: unknown) => void,
  signal?: AbortSignal,
): Promise<readonly Color[]> {
  const ended: Color[] = [];
  const attempt = async (subject: string, action: () => Promise<unknown>): Promise<void> => {
    if (signal?.aborted) return;
    await action().then(
      () => onOutcome(subject, undefined),
      (error: unknown) => onOutcome(subject, error ?? new Error('rejected without a reason')),
    );
  };
  for (const entry of entries) {
    const stored = parseEnvironment(entry);
    if (stored === undefined || !isOver(stored, now)) continue;
    await attempt(`To end environment ${quote(stored.color)}`, async () => {
      if (await endEnvironment(state, stored, entry, now)) ended.push(stored.color);
    });
  }
  await attempt('To forget what has left', () => forgetLeft(state, now));
  return ended;
}
