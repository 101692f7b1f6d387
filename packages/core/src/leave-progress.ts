import { type LeaveWait, waitsForConsumer } from './leave-wait.js';
import { formatSubscription, type Subscription } from './subscription.js';

/** A consumer that works on a leave says so at least this often, in milliseconds. */
export const SERVED_EVERY_MS = 20_000;
/** One that was not heard of for longer is taken to be dead. */
const SERVED_LOST_MS = 60_000;

/** What a server of a leave says of it. */
export interface ToldProgress extends LeaveWait {
  /** At most so many messages are still to be handled; `undefined` while unknown. */
  readonly remaining?: number | undefined;
}

/** A wait as it stands now. */
export interface StandingWait extends LeaveWait {
  /** When it began to wait for that, in milliseconds since the epoch. */
  readonly since: number;
}

/** The subscription with what is left to do now. Whoever says the same again does not begin the wait anew. */
export function withProgress(standing: Subscription, told: ToldProgress, now: number): Subscription {
  const { remaining: _, waitingFor: __, since: ___, remedy: ____, ...rest } = standing;
  const { remaining, waitingFor, remedy } = told;
  const since = waitingFor === standing.waitingFor ? (standing.since ?? now) : now;
  return {
    ...rest,
    servedAt: now,
    ...(remaining !== undefined && { remaining }),
    ...(waitingFor !== undefined && { waitingFor, since }),
    ...(remedy !== undefined && waitingFor !== undefined && { remedy }),
  };
}

/** Whether saying it would change what people read, or nobody has said for a while that it is worked on. */
export function isNewProgress(standing: Subscription, told: ToldProgress, now: number): boolean {
  if (now - (standing.servedAt ?? Number.NEGATIVE_INFINITY) >= SERVED_EVERY_MS * 0.9) return true;
  const plain = ({ servedAt: _, ...rest }: Subscription): string => formatSubscription(rest);
  return plain(withProgress(standing, told, now)) !== plain(standing);
}

/** What a leaving subscription waits for now: that whoever worked on it has died is said by nobody but the clock. */
export function standingWait(subscription: Subscription, now: number): StandingWait | undefined {
  const { state, waitingFor, remedy, since, servedAt, at } = subscription;
  if (state !== 'leaving') return undefined;
  if (servedAt !== undefined && now - servedAt > SERVED_LOST_MS)
    return { ...waitsForConsumer(subscription), since: servedAt };
  if (waitingFor === undefined) return undefined;
  return { waitingFor, since: since ?? at, ...(remedy !== undefined && { remedy }) };
}
