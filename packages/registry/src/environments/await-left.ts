import {
  type Color,
  discardedOf,
  parseSubscription,
  type StateStore,
  SUBSCRIPTION_PREFIX,
  type Subscription,
  subscriptionPrefix,
} from '@colorway/core';
import { subscriptionEntries } from './leaving.js';

/** How far one group, topic or queue of a service is. */
export interface LeaveProgress {
  readonly service: string;
  readonly color: Color;
  /** `kafka`, `amqp`, ... */
  readonly broker: string;
  /** The group or queue as the baseline names it. */
  readonly group: string;
  /** `undefined` for a queue. */
  readonly topic: string | undefined;
  readonly state: 'leaving' | 'left';
  /** At most so many messages are still to be handled; `undefined` while nobody has said. */
  readonly remaining: number | undefined;
  readonly waitingFor: string | undefined;
}

export interface AwaitLeftOptions {
  readonly service?: string;
  readonly onProgress?: ((progress: LeaveProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A watch tells of changes; this is for the one that lost its connection. */
const LOOK_EVERY_MS = 5_000;

/**
 * Waits until nothing of a color, or of one service of it, leaves any more, and removes the records of what
 * has left. Returns how many messages were given up. Keeps the process alive.
 *
 * @throws the signal's reason when it is aborted; the leaving goes on.
 */
export async function awaitLeft(
  state: StateStore,
  color: Color,
  { service, onProgress = () => {}, signal }: AwaitLeftOptions,
): Promise<number> {
  const seen = new Map<string, Subscription>();
  const told = new Map<string, string>();

  const look = async (): Promise<boolean> => {
    const leaving = new Set<string>();
    for (const entry of await subscriptionEntries(state, color, service)) {
      const read = parseSubscription(entry);
      // One that was joined anew has left before.
      if (read === undefined || read.state === 'joined') continue;
      if (read.state === 'leaving') leaving.add(entry.key);
      seen.set(entry.key, read);
      const progress = progressOf(read, read.state);
      const text = JSON.stringify(progress);
      if (told.get(entry.key) !== text) onProgress(progress);
      told.set(entry.key, text);
      if (read.state === 'left') await state.compareAndDelete(entry.key, entry.version);
    }
    for (const [key, { state: last }] of seen) {
      // Somebody else who waited has removed it.
      if (last !== 'leaving' || leaving.has(key)) continue;
      const gone = { ...(seen.get(key) as Subscription), state: 'left' as const };
      seen.set(key, gone);
      onProgress(progressOf(gone, 'left'));
    }
    return leaving.size === 0;
  };

  await untilTrue(
    state,
    service === undefined ? SUBSCRIPTION_PREFIX : subscriptionPrefix(service, color),
    look,
    signal,
  );
  return [...seen.values()].reduce((sum, one) => sum + discardedOf(one), 0);
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
      if (await ask()) return;
      await rung;
    }
  } finally {
    clearInterval(timer);
    watch.close();
    signal?.removeEventListener('abort', abort);
  }
}

function progressOf(
  { service, color, broker, group, topic, remaining, waitingFor }: Subscription,
  state: LeaveProgress['state'],
): LeaveProgress {
  const now = state === 'left' ? { remaining: undefined, waitingFor: undefined } : { remaining, waitingFor };
  return { service, color, broker, group, topic, state, ...now };
}
