import {
  type Color,
  ENVIRONMENT_PREFIX,
  environmentKey,
  isColor,
  type OnLeave,
  type StateEntry,
  warnOnce,
} from '@colorway/core';
import { type EnvironmentChange, parseHistory } from './environment-history.js';

/** A colored environment. Times are milliseconds since the epoch. */
export interface Environment {
  readonly color: Color;
  /** Who to ask about it. */
  readonly owner: string;
  readonly createdAt: number;
  /** After this somebody's sweep ends it. */
  readonly expiresAt: number;
}

/** An environment as it stands in the state store. */
export interface StoredEnvironment extends Environment {
  /** Somebody has begun to end it: its memberships are being removed, then it goes. There is no way back. */
  readonly ending: boolean;
  /** What becomes of its messages; from the mark on. */
  readonly onLeave?: OnLeave;
  /** Who did what to it, the oldest first; empty for one that an older version made. */
  readonly history: readonly EnvironmentChange[];
}

export { ENVIRONMENT_PREFIX, environmentKey };

export function formatEnvironment(environment: StoredEnvironment): string {
  const { color, owner, createdAt, expiresAt, ending, onLeave, history } = environment;
  const end = ending ? { ending, onLeave } : {};
  return JSON.stringify({ color, owner, createdAt, expiresAt, ...end, history });
}

/** `undefined`, with one warning, for what is no environment: somebody else may write into the same store. */
export function parseEnvironment({ key, value }: StateEntry): StoredEnvironment | undefined {
  const read = parseJson(value);
  if (isEnvironment(read) && environmentKey(read.color) === key) {
    const { color, owner, createdAt, expiresAt, ending, onLeave } = read;
    const history = parseHistory(read.history);
    const stored = { color, owner, createdAt, expiresAt, ending: ending === true, history };
    return Object.freeze(onLeave === 'drain' || onLeave === 'discard' ? { ...stored, onLeave } : stored);
  }
  warnOnce(
    'COLORWAY_ENVIRONMENT_UNREADABLE',
    `The directory key ${JSON.stringify(key)} does not hold an environment and is left out. Delete the environment, or write it again.`,
    key,
  );
  return undefined;
}

/** The environment without what is only the store's business. */
export function toEnvironment({ color, owner, createdAt, expiresAt }: StoredEnvironment): Environment {
  return Object.freeze({ color, owner, createdAt, expiresAt });
}

/** Whether it is to be ended, or somebody has begun to. */
export function isOver({ ending, expiresAt }: StoredEnvironment, now: number): boolean {
  return ending || expiresAt <= now;
}

export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isEnvironment(
  read: unknown,
): read is Environment & { ending?: unknown; onLeave?: unknown; history?: unknown } {
  if (typeof read !== 'object' || read === null) return false;
  const { color, owner, createdAt, expiresAt } = read as Record<string, unknown>;
  return isColor(color) && typeof owner === 'string' && isTime(createdAt) && isTime(expiresAt);
}

function isTime(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value);
}
