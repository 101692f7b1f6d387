import { type Subscription, waitsElsewhere } from '@colorway/core';

/** Milliseconds; tests shorten them. The second is longer than brokers keep what nobody reads. */
export const ELSEWHERE = { discardMs: 60_000, drainMs: 7 * 24 * 3_600_000 };

/**
 * Pure. Whether a leave at a broker that nobody here is connected to is given up: nobody has worked on it for so long, so that
 * broker is gone, or has another name by now.
 *
 * @param seenMs for how long it has been seen here: clocks differ, and its consumers may just be starting too.
 */
export function isAbandoned(
  { onLeave, at, servedAt = 0 }: Pick<Subscription, 'onLeave' | 'at' | 'servedAt'>,
  seenMs: number,
  now: number,
): boolean {
  const silentMs = now - Math.max(at, servedAt);
  const { discardMs, drainMs } = ELSEWHERE;
  return seenMs >= discardMs && silentMs >= (onLeave === 'discard' ? discardMs : drainMs);
}

/** Says what it waits for, without saying that somebody works on it; `undefined` where that is said, or somebody does. */
export function toldElsewhere(standing: Subscription, now: number): Subscription | undefined {
  const { servedAt = Number.NEGATIVE_INFINITY } = standing;
  const { waitingFor = '', remedy = '' } = waitsElsewhere(standing);
  if (standing.state !== 'leaving' || now - servedAt < ELSEWHERE.discardMs) return undefined;
  if (standing.waitingFor === waitingFor && standing.remedy === remedy) return undefined;
  const since = Math.max(standing.at, standing.servedAt ?? 0);
  const { servedAt: _, ...rest } = standing;
  return { ...rest, waitingFor, remedy, since };
}
