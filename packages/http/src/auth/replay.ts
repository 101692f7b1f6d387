import { warnOnce } from '@colorway/core';

/** A store of this process, which knows at once. */
export interface ReplayMemory {
  isNew(signature: string, endsAt: number): boolean;
}

const MAX_REMEMBERED = 100_000;

/**
 * A store in this process. Only signatures that are valid get into it, so that a stranger cannot flush it; where there
 * are more than `max` in one window, the oldest are forgotten, with a process warning once.
 */
export function replayMemory(max = MAX_REMEMBERED, now: () => number = Date.now): ReplayMemory {
  const ends = new Map<string, number>();
  return {
    isNew(signature, endsAt) {
      const at = now();
      const known = ends.get(signature);
      if (known !== undefined && known > at) return false;
      ends.delete(signature);
      ends.set(signature, endsAt);
      /* Two at a time: what is over goes faster than new ones come, and no request pays for a sweep. */
      forgetOver(ends, at);
      forgetOver(ends, at);
      if (ends.size > max) forgetOldest(ends, max);
      return true;
    },
  };
}

function forgetOver(ends: Map<string, number>, now: number): void {
  const oldest = ends.entries().next().value;
  if (oldest !== undefined && oldest[1] <= now) ends.delete(oldest[0]);
}

function forgetOldest(ends: Map<string, number>, max: number): void {
  const oldest = ends.keys().next().value;
  if (oldest !== undefined) ends.delete(oldest);
  warnOnce(
    'COLORWAY_REPLAY_FORGETS',
    `More than ${max} signed requests came within the time that a signature counts: the oldest are forgotten, and could be sent again. Lower serviceAuth's "clockSkewMs", or give "replay" a store that holds more.`,
  );
}
