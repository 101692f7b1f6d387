import type { Color, DirectoryView, StateEntry, StateStore } from '@colorway/core';
import { type Reporter, type Scope, unlessAborted } from '@colorway/core/background';
import {
  ENVIRONMENT_PREFIX,
  type Environments,
  endExpired,
  forgetUsed,
  parseEnvironment,
} from '../environments/index.js';

const EVERY_MS = 60_000;

/** So seldom is looked for what is a day old. */
const LOOKS_AN_HOUR = 60;

/** An environment with living instances is kept for this much longer at a time. */
const KEPT_MS = 3_600_000;

/** A clock that is further off than this judges nothing. */
const MAX_SKEW_MS = 60_000;

/** What a sweep must know to leave the living alone. */
export interface Alive {
  /** On a store with a time limit for each call. */
  readonly environments: Environments;
  readonly view: () => DirectoryView;
}

/**
 * Keeps the environments that are about to expire and have living instances, whoever runs these: services in other
 * languages keep nothing themselves, and once their memberships are gone calls slide to the baseline (law 2).
 *
 * @param entries of all environments.
 * @returns those of them that were left as they are.
 */
export async function keepLiving(
  { environments, view }: Alive,
  now: number,
  entries: readonly StateEntry[],
): Promise<readonly StateEntry[]> {
  const living = livingColors(view());
  const others: StateEntry[] = [];
  for (const entry of entries) {
    const { color, expiresAt, ending } = parseEnvironment(entry) ?? {
      color: '',
      expiresAt: 0,
      ending: false,
    };
    if (living.has(color) && !ending && expiresAt < now + 3 * EVERY_MS)
      await environments.prolong(color, { ttlMs: KEPT_MS, minGainMs: KEPT_MS / 2 });
    else others.push(entry);
  }
  return others;
}

function livingColors({ services }: DirectoryView): ReadonlySet<Color> {
  const living = new Set<Color>();
  for (const [, { colored }] of services.entries())
    for (const [color, { kind }] of colored.entries()) if (kind === 'colored') living.add(color);
  return living;
}

/**
 * The time by which environments expire: the store's own, where it has one. `undefined`, and reported once, where the clock
 * of this host is off by more than a minute.
 */
export async function timeToJudgeBy(
  state: StateStore,
  reporter: Reporter,
  clock: () => number = Date.now,
): Promise<number | undefined> {
  if (state.now === undefined) return clock();
  const asked = clock();
  const told = await state.now();
  const answered = clock();
  const isBehind = told - answered > MAX_SKEW_MS;
  if (!isBehind && asked - told <= MAX_SKEW_MS) return told;
  const seconds = Math.round(Math.abs(told - answered) / 1_000);
  reporter.once(
    'COLORWAY_CLOCK_SKEWED',
    `The clock of this host is ${seconds} s ${isBehind ? 'behind' : 'ahead of'} the directory's. This host ends no expired environments; others do. Set its clock (NTP): what this host shows of ages and waiting is off by as much.`,
  );
  return undefined;
}

/**
 * Ends expired environments about once a minute, until the scope ends, by the store's time where it has one. Of all
 * processes that sweep, one ends each. Each environment is ended by itself; one that cannot be is reported once, tried again a minute later, and reported
 * when it works.
 *
 * @param state with a time limit for each call.
 */
export function startSweep(scope: Scope, state: StateStore, alive: Alive): void {
  const { reporter } = scope;
  const outcome = (subject: string, error: unknown): void => {
    if (error === undefined) reporter.working('COLORWAY_SWEEP_FAILED', subject);
    else reporter.failing('COLORWAY_SWEEP_FAILED', subject, error);
  };
  let turn = 0;
  const sweep = async (signal: AbortSignal): Promise<void> => {
    const subject = 'To end expired environments';
    try {
      const now = await unlessAborted(signal, timeToJudgeBy(state, reporter));
      if (now !== undefined) {
        const entries = await unlessAborted(signal, state.list(ENVIRONMENT_PREFIX));
        const others = await unlessAborted(signal, keepLiving(alive, now, entries));
        await unlessAborted(signal, endExpired(state, now, others, outcome, signal));
        if (turn++ % LOOKS_AN_HOUR === 0) await unlessAborted(signal, forgetUsed(state, now));
      }
      outcome(subject, undefined);
    } catch (error) {
      if (!signal.aborted) outcome(subject, error);
    }
  };
  // Spread over time, so that many processes do not come at once.
  scope.every(EVERY_MS * (0.5 + Math.random()), 'expiry of environments', sweep);
}
