import { randomBytes } from 'node:crypto';
import type { StateStore } from '@colorway/core';
import { updateEntry } from '@colorway/core/background';
import { groupNameKey } from '../colored-group.js';

/**
 * The entry of a group's name is made once, and nobody deletes it. So its mark tells one life of the directory
 * from another: it is gone, or another one, when the directory was emptied.
 */
export interface GroupMark {
  /** Linearizable. `undefined` where nobody has claimed the group's name, or the entry cannot be read. */
  read(): Promise<string | undefined>;
  /** The mark that stands, made if there is none; `undefined` where the entry cannot be read. */
  make(): Promise<string | undefined>;
}

/** @returns the fields of an entry that is made now. */
export function newMark(): { readonly since: string } {
  return { since: `${Date.now()}-${randomBytes(6).toString('hex')}` };
}

/**
 * @param first the cluster that had the name first, as far as this process knows. It is made with the mark: a directory
 *   that was emptied would take for the first one whoever comes first, and its keys for those that are put back.
 */
export function groupMark(
  state: StateStore,
  group: string,
  first: () => string | undefined = () => undefined,
): GroupMark {
  const key = groupNameKey(group);
  const mark = async (create: boolean): Promise<string | undefined> => {
    const { result } = await updateEntry<string | undefined>(state, key, (standing) => {
      if (standing === undefined && !create) return { kind: 'keep', result: undefined };
      const fields: Readonly<Record<string, unknown>> | undefined =
        standing === undefined ? { group } : claimOf(standing.value);
      // Somebody else wrote it. It is left alone, and tells nothing.
      if (fields === undefined) return { kind: 'keep', result: undefined };
      const cluster = create && fields.cluster === undefined ? first() : undefined;
      if (typeof fields.since === 'string') {
        const { since } = fields;
        return cluster === undefined
          ? { kind: 'keep', result: since }
          : { kind: 'put', value: JSON.stringify({ ...fields, cluster }), result: since };
      }
      // An earlier version made it.
      const made = { ...newMark(), ...(cluster !== undefined && { cluster }) };
      return { kind: 'put', value: JSON.stringify({ ...fields, ...made }), result: made.since };
    });
    return result;
  };
  return { read: () => mark(false), make: () => mark(true) };
}

/** The fields of an entry, all of which whoever writes it keeps; `undefined` for one that cannot be read. */
export function claimOf(value: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const fields: unknown = JSON.parse(value);
    return typeof fields === 'object' && fields !== null && !Array.isArray(fields)
      ? (fields as Readonly<Record<string, unknown>>)
      : undefined;
  } catch {
    // Not ours: the caller tells that apart.
    return undefined;
  }
}
