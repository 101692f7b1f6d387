import { type Color, parseMembershipKey, type StateEntry } from '@colorway/core';
import { parseJson } from './environment.js';

/** The declared fact that an environment contains a service. */
export interface Membership {
  readonly service: string;
  readonly color: Color;
  /** Milliseconds since the epoch; `undefined` when another tool has written the membership without it. */
  readonly declaredAt: number | undefined;
  /** Who declared it; `undefined` when another tool has written the membership without it. */
  readonly declaredBy: string | undefined;
}

export function formatMembership(declaredAt: number, declaredBy: string): string {
  return JSON.stringify({ declaredAt, declaredBy });
}

/** The key alone makes a membership; a value that cannot be read only lacks its details. */
export function parseMembership({ key, value }: StateEntry): Membership | undefined {
  const parts = parseMembershipKey(key);
  if (parts === undefined) return undefined;
  const { declaredAt, declaredBy } = (parseJson(value) ?? {}) as Record<string, unknown>;
  return Object.freeze({
    ...parts,
    declaredAt: typeof declaredAt === 'number' ? declaredAt : undefined,
    declaredBy: typeof declaredBy === 'string' ? declaredBy : undefined,
  });
}
