import { type Color, ColorwayError, quote, type StateEntry } from '@colorway/core';
import { environmentKey, isOver, parseEnvironment } from './environment.js';
import { DEFAULT_TTL_MS, expiryOf, type Lifetime } from './environment-options.js';
import { type PolicyOverview, whoSet } from './policy.js';

/** The times of two answers of one store may differ by as much. */
const TOLERANCE_MS = 60_000;

/**
 * When an environment ends that somebody makes or extends. Who says nothing gets what the policy allows.
 * @throws ColorwayError `COLORWAY_POLICY_EXCEEDED`, `COLORWAY_INVALID_OPTION`
 */
export function allowedExpiry(color: Color, lifetime: Lifetime, now: number, policy: PolicyOverview): number {
  const { maxTtlMs } = policy.bounds;
  if (maxTtlMs === undefined) return expiryOf(lifetime, now);
  const isAsked = lifetime.ttlMs !== undefined || lifetime.expiresAt !== undefined;
  const end = expiryOf(isAsked ? lifetime : { ttlMs: Math.min(DEFAULT_TTL_MS, maxTtlMs) }, now);
  if (end - now <= maxTtlMs + TOLERANCE_MS) return end;
  throw new ColorwayError(
    'COLORWAY_POLICY_EXCEEDED',
    `Environment ${quote(color)} would have ${timeText(end - now)} left, and the policy of this directory allows ${timeText(maxTtlMs)} (maxTtlMs ${maxTtlMs}${whoSet(policy, 'maxTtlMs')}). Ask for less, and extend it later; or have the bound changed: colorway policy set --max-ttl.`,
  );
}

/** The same for what goes on by itself, while an instance lives: it gets what the policy allows. */
export function boundedExpiry(lifetime: Lifetime, now: number, { bounds }: PolicyOverview): number {
  const end = expiryOf(lifetime, now);
  return bounds.maxTtlMs === undefined ? end : Math.min(end, now + bounds.maxTtlMs);
}

/**
 * Two who ask at the same moment may both be let in.
 *
 * @param entries of all environments.
 * @throws ColorwayError `COLORWAY_POLICY_EXCEEDED`
 */
export function checkOwner(
  color: Color,
  owner: string,
  entries: readonly StateEntry[],
  now: number,
  policy: PolicyOverview,
): void {
  const { maxEnvironmentsPerOwner: most } = policy.bounds;
  if (most === undefined) return;
  const others = entries
    .filter(({ key }) => key !== environmentKey(color))
    .map(parseEnvironment)
    .flatMap((read) =>
      read !== undefined && read.owner === owner && !isOver(read, now) ? [read.color] : [],
    );
  if (others.length < most) return;
  const some = others.slice(0, MAX_NAMED).join(', ') + (others.length > MAX_NAMED ? ', ...' : '');
  throw new ColorwayError(
    'COLORWAY_POLICY_EXCEEDED',
    `${quote(owner)} has ${others.length} environments (${some}), and the policy of this directory allows ${most} (maxEnvironmentsPerOwner${whoSet(policy, 'maxEnvironmentsPerOwner')}), so ${quote(color)} is not made. End one that is not needed any more: colorway env delete; or have the bound changed: colorway policy set --max-environments-per-owner.`,
  );
}

const MAX_NAMED = 5;
const HOUR_MS = 3_600_000;

/** `36 hours`, `14 days`. */
function timeText(ms: number): string {
  const hours = Math.round(ms / HOUR_MS);
  return hours < 48 ? `${hours} hours` : `${Math.round(hours / 2.4) / 10} days`;
}
