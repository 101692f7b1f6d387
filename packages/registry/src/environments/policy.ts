import { ColorwayError, quote } from '@colorway/core';
import { type ChangeNote, MAX_CHANGES, MAX_TEXT } from './environment-history.js';

/** Where the policy of a directory stands in its state. */
export const POLICY_KEY = 'policy';

/**
 * Bounds that all who share a directory keep to. What is left out is not bounded. It holds against mistakes, not against
 * somebody who may write the state: they can change it.
 */
export interface DirectoryPolicy {
  /** How long an environment may have left when it is made or extended, in milliseconds; an hour at least. */
  readonly maxTtlMs?: number;
  /** How many environments one owner may have at a time; 1 at least. */
  readonly maxEnvironmentsPerOwner?: number;
  /** The greatest weight that an instance counts with, above 0; more counts as this. */
  readonly maxWeight?: number;
}

/** What to set: a bound that is left out stays as it is, `null` takes it away. */
export type PolicyBounds = { readonly [Name in keyof DirectoryPolicy]?: DirectoryPolicy[Name] | null };

/** One change of the policy: who, when, why, and what was set. */
export interface PolicyChange {
  /** Milliseconds since the epoch, by the store's clock; by that of whoever did it where the store has none. */
  readonly at: number;
  /** Who says to have done it. Nobody proves it. */
  readonly by: string;
  readonly reason?: string;
  readonly bounds: PolicyBounds;
}

/** The policy as it stands. */
export interface PolicyOverview {
  /** False where the document cannot be read: it bounds nothing then. */
  readonly readable: boolean;
  readonly bounds: DirectoryPolicy;
  /** The oldest first: the first one, and the last 19. */
  readonly changes: readonly PolicyChange[];
}

export const NO_POLICY: PolicyOverview = Object.freeze({ readable: true, bounds: {}, changes: [] });

type Name = keyof DirectoryPolicy;

/** An environment of a living instance is prolonged by the hour: with less it would end under it. */
const HOUR_MS = 3_600_000;
/** That of the grammar of records. */
const MAX_WEIGHT = 65_535;

const GRAMMAR: Readonly<
  Record<Name, { readonly holds: (value: number) => boolean; readonly right: string }>
> = {
  maxTtlMs: {
    holds: (value) => value >= HOUR_MS && value <= Number.MAX_SAFE_INTEGER,
    right: 'milliseconds, an hour (3600000) at least',
  },
  maxEnvironmentsPerOwner: {
    holds: (value) => Number.isSafeInteger(value) && value >= 1,
    right: 'a whole number from 1',
  },
  maxWeight: {
    holds: (value) => value > 0 && value <= MAX_WEIGHT,
    right: `above 0 and at most ${MAX_WEIGHT}`,
  },
};
const NAMES = Object.keys(GRAMMAR) as Name[];

/** What a document says; anybody may have written it. */
export function parsePolicy(text: string): PolicyOverview {
  const read = fieldsOf(text);
  const bounds = read && boundsOf(read);
  if (read === undefined || bounds === undefined) return Object.freeze({ ...NO_POLICY, readable: false });
  const written = Array.isArray(read.history) ? read.history : [];
  const changes = written.flatMap((one: unknown) => parseChange(one) ?? []);
  return Object.freeze({ readable: true, bounds, changes: withinBound(changes) });
}

/**
 * The document with other bounds. What a newer version has written beside ours stays; one that cannot be read is replaced.
 *
 * @param text what stands; `undefined` for nothing.
 * @throws ColorwayError `COLORWAY_INVALID_OPTION` for a bound outside of the grammar.
 */
export function changedPolicy(
  text: string | undefined,
  set: PolicyBounds,
  at: number,
  { by, reason }: ChangeNote & { readonly by: string },
): { readonly text: string; readonly policy: PolicyOverview } {
  checkBounds(set);
  const before = text === undefined ? NO_POLICY : parsePolicy(text);
  const all: Record<string, unknown> = { ...(before.readable && text !== undefined ? fieldsOf(text) : {}) };
  const named = Object.fromEntries(
    NAMES.flatMap((name) => (set[name] === undefined ? [] : [[name, set[name]]])),
  );
  for (const [name, value] of Object.entries(named)) {
    if (value === null) delete all[name];
    else all[name] = value;
  }
  const change: PolicyChange = {
    ...{ at, by: by.slice(0, MAX_TEXT) },
    ...(reason !== undefined && { reason: reason.slice(0, MAX_TEXT) }),
    bounds: named,
  };
  const written = JSON.stringify({ ...all, history: withinBound([...before.changes, change]) });
  return { text: written, policy: parsePolicy(written) };
}

/** `set by ann on 2026-11-28: too many forgotten ones`, as far as the history goes; else nothing. */
export function whoSet({ changes }: PolicyOverview, name: Name): string {
  const last = changes.findLast(({ bounds }) => bounds[name] !== undefined);
  if (last === undefined) return '';
  const date = new Date(last.at);
  const when = Number.isNaN(date.valueOf()) ? '' : ` on ${date.toISOString().slice(0, 10)}`;
  return `, set by ${quote(last.by)}${when}${last.reason === undefined ? '' : `: ${quote(last.reason)}`}`;
}

function checkBounds(set: PolicyBounds): void {
  for (const name of NAMES) {
    const value: unknown = set[name];
    if (value === undefined || value === null || isBound(name, value)) continue;
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `${name}: ${quote(value)} must be ${GRAMMAR[name].right}.`,
    );
  }
}

function isBound(name: Name, value: unknown): value is number {
  return typeof value === 'number' && GRAMMAR[name].holds(value);
}

/** `undefined` where one of them is outside of the grammar: half a policy is another one. */
function boundsOf(fields: Readonly<Record<string, unknown>>): DirectoryPolicy | undefined {
  const bounds: Partial<Record<Name, number>> = {};
  for (const name of NAMES) {
    const value = fields[name];
    if (value === undefined || value === null) continue;
    if (!isBound(name, value)) return undefined;
    bounds[name] = value;
  }
  return Object.freeze(bounds);
}

function parseChange(read: unknown): PolicyChange | undefined {
  if (typeof read !== 'object' || read === null) return undefined;
  const { at, by, reason, bounds } = read as Readonly<Record<string, unknown>>;
  if (typeof at !== 'number' || typeof by !== 'string' || typeof bounds !== 'object' || bounds === null)
    return undefined;
  if (reason !== undefined && typeof reason !== 'string') return undefined;
  const named = bounds as Readonly<Record<string, unknown>>;
  const known = NAMES.flatMap((name) => {
    const value = named[name];
    return value === null || isBound(name, value) ? [[name, value] as const] : [];
  });
  return { at, by, ...(reason !== undefined && { reason }), bounds: Object.fromEntries(known) };
}

function withinBound(changes: readonly PolicyChange[]): readonly PolicyChange[] {
  const [first, ...rest] = changes;
  return changes.length <= MAX_CHANGES || first === undefined
    ? changes
    : [first, ...rest.slice(1 - MAX_CHANGES)];
}

function fieldsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const read: unknown = JSON.parse(text);
    return typeof read === 'object' && read !== null && !Array.isArray(read)
      ? (read as Record<string, unknown>)
      : undefined;
  } catch {
    // No JSON is no policy.
    return undefined;
  }
}
