import { channel } from 'node:diagnostics_channel';
import type { Color } from '@colorway/core';

/** What somebody did to an environment. Newer versions may write others. */
export type EnvironmentAct = 'created' | 'extended' | 'prolonged' | 'withdrawn' | 'ending' | (string & {});

/** One change of an environment: who, when, why. */
export interface EnvironmentChange {
  readonly act: EnvironmentAct;
  /** Milliseconds since the epoch, by the store's clock; by that of whoever did it where the store has none. */
  readonly at: number;
  /** Who says to have done it: a person, or a service. Nobody proves it. */
  readonly by: string;
  readonly reason?: string;
  /** Of what was withdrawn. */
  readonly service?: string;
}

/** Who changes something, and why; kept with the environment. Each is cut after 256 characters. */
export interface ChangeNote {
  /** Default: what `declaredBy` of the environments says, the service of a coloring. */
  readonly by?: string;
  readonly reason?: string;
}

/** A published message: the change, and of which environment. */
export interface EnvironmentChanged extends EnvironmentChange {
  readonly color: Color;
}

/**
 * The diagnostics channel on which this process says what it changed in environments, as {@link EnvironmentChanged}, for an audit log of
 * your own.
 */
export const ENVIRONMENT_CHANNEL = 'colorway:environment';

const changes = channel(ENVIRONMENT_CHANNEL);
/** So many changes are kept; then the oldest goes, but for the first, which says who made the environment. */
export const MAX_CHANGES = 20;
export const MAX_TEXT = 256;

/**
 * The history with one change more. Living instances prolong their environment every hour: of such changes in a row the last one
 * stands, so that they push nobody out.
 */
export function withChange(
  history: readonly EnvironmentChange[],
  { act, at, by, reason, service }: EnvironmentChange,
): readonly EnvironmentChange[] {
  const change: EnvironmentChange = {
    ...{ act, at, by: by.slice(0, MAX_TEXT) },
    ...(reason !== undefined && { reason: reason.slice(0, MAX_TEXT) }),
    ...(service !== undefined && { service }),
  };
  const before = act === 'prolonged' && history.at(-1)?.act === act ? history.slice(0, -1) : history;
  const all = [...before, change];
  const [first, ...rest] = all;
  return all.length <= MAX_CHANGES || first === undefined ? all : [first, ...rest.slice(1 - MAX_CHANGES)];
}

/** What can be read of a history; anybody may have written it. What a newer version notes stays: the next write keeps it. */
export function parseHistory(read: unknown): readonly EnvironmentChange[] {
  return Array.isArray(read) ? read.filter(isChange).slice(-MAX_CHANGES) : [];
}

/** Tells this process's listeners. */
export function publishChange(color: Color, history: readonly EnvironmentChange[]): void {
  const last = history.at(-1);
  if (last === undefined || !changes.hasSubscribers) return;
  const message: EnvironmentChanged = Object.freeze({ color, ...last });
  changes.publish(message);
}

function isChange(value: unknown): value is EnvironmentChange {
  if (typeof value !== 'object' || value === null) return false;
  const { act, at, by, reason, service } = value as Record<string, unknown>;
  const isText = (text: unknown): boolean => text === undefined || typeof text === 'string';
  return (
    typeof act === 'string' &&
    typeof at === 'number' &&
    typeof by === 'string' &&
    isText(reason) &&
    isText(service)
  );
}
