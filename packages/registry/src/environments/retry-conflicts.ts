import { ColorwayError } from '@colorway/core';

/** What an attempt returns when somebody else changed the same key in between. */
export const CONFLICT = Symbol('conflict');

const MAX_ATTEMPTS = 40;
const MAX_PAUSE_MS = 50;

/**
 * Reads and writes again until nobody else got in between.
 *
 * @throws ColorwayError `COLORWAY_CONFLICT` after 40 attempts, about a second.
 */
export async function retryConflicts<T>(
  what: string,
  attempt: () => Promise<T | typeof CONFLICT>,
): Promise<T> {
  for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
    const outcome = await attempt();
    if (outcome !== CONFLICT) return outcome;
    const pause = Math.random() * Math.min(MAX_PAUSE_MS, 2 ** attempts);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  throw new ColorwayError(
    'COLORWAY_CONFLICT',
    `${what}: others changed it ${MAX_ATTEMPTS} times in between. Try again later.`,
  );
}
