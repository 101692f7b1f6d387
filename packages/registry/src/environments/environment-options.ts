import { ColorwayError, type OnLeave, quote } from '@colorway/core';
import type { Reporter } from '@colorway/core/background';
import type { ChangeNote } from './environment-history.js';
import type { LeaveProgress } from './leave-progress.js';

/** How long an environment lives when nobody says otherwise: 7 days. */
export const DEFAULT_TTL_MS = 7 * 24 * 60 * 60 * 1_000;

export interface EnvironmentsOptions {
  /**
   * The time by which environments begin and expire, in milliseconds since the epoch. Default: the store's own (Consul, etcd,
   * Redis), whatever the clock of this host says; `Date.now` where the store has none.
   */
  readonly now?: () => number;
  /** Who is named in the memberships that are declared, and in the history of environments. Default `unknown`. */
  readonly declaredBy?: string;
  /** Reports what is caught: callbacks that throw, an environment that cannot be ended. Default: process warnings. */
  readonly reporter?: Reporter;
  /** How long the store may take to answer one question, in milliseconds; then it counts as away. Default 5,000. */
  readonly timeoutMs?: number;
  /** Ends every call, and what waits, with its reason as rejection. Default: nothing does. */
  readonly signal?: AbortSignal;
}

/** How long an environment lives: from now, or up to a moment. `expiresAt` (milliseconds since the epoch) wins. */
export interface Lifetime extends ChangeNote {
  /** Default 7 days. */
  readonly ttlMs?: number;
  readonly expiresAt?: number;
}

/** How long an environment lives at least. */
export interface ProlongOptions extends Lifetime {
  /**
   * The end stays where it is when it would move by less, in milliseconds: of many who prolong one environment, each at
   * its own times, not every one writes then. Default 0: it moves.
   */
  readonly minGainMs?: number;
}

export interface CreateEnvironmentOptions extends Lifetime {
  readonly owner: string;
  /** Services that the environment contains from the start. */
  readonly services?: readonly string[];
}

/** What becomes of the messages of what ends. */
export interface LeaveOptions extends ChangeNote {
  /**
   * Messages that the color owns and has not handled: its consumers handle them, or the baseline's where it has
   * none alive (`drain`); or nobody does, and they are counted (`discard`). Default `drain`. What is being drained already
   * can be discarded by asking again, also when the environment is gone; what is discarded is never drained again.
   */
  readonly onLeave?: OnLeave;
  /**
   * Called for each group, topic and queue that leaves, with every change: how many messages remain, what it waits for,
   * since when, and what to do about it. What it throws changes nothing.
   */
  readonly onProgress?: (progress: LeaveProgress) => void;
  /** Ends the waiting, with its reason as rejection. What was begun is finished by the consumers. */
  readonly signal?: AbortSignal;
  /**
   * Resolve when nothing of the color is left at the brokers. Default true. A group that no living consumer
   * reads, neither the color's nor the baseline's, waits until one starts.
   */
  readonly wait?: boolean;
}

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
export function parseOwner(owner: unknown): string {
  if (typeof owner === 'string' && owner.length >= 1 && owner.length <= 256) return owner;
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `owner ${quote(owner)}: name a person or a team, in 1 to 256 characters.`,
  );
}

/** When an environment ends. @throws ColorwayError `COLORWAY_INVALID_OPTION` */
export function expiryOf({ ttlMs = DEFAULT_TTL_MS, expiresAt }: Lifetime, now: number): number {
  const end = expiresAt ?? now + ttlMs;
  if (Number.isFinite(end) && end > now) return end;
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `${expiresAt === undefined ? `ttlMs ${quote(ttlMs)}` : `expiresAt ${quote(expiresAt)}`} is not in the future. Use milliseconds: ttlMs above 0, or expiresAt since the epoch.`,
  );
}
