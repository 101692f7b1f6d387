import type { StateEntry } from '@colorway/core';
import type { RedisConnection } from './redis-connection.js';
import { type RedisKeySpace, unreadable } from './redis-key-space.js';
import { LIST } from './scripts.js';

/** All entries below a prefix, in key order. */
export async function listState(
  connection: RedisConnection,
  space: RedisKeySpace,
  prefix: string,
): Promise<StateEntry[]> {
  const answer = await space.run(connection, LIST, prefix);
  if (!Array.isArray(answer)) throw unreadable(connection, answer);
  const entries: StateEntry[] = [];
  for (let at = 0; at + 1 < answer.length; at += 2) {
    // A name in the index alone: somebody else wrote it, and nothing stands there.
    if (answer[at + 1] === null) continue;
    entries.push(entryOf(connection, String(answer[at]), answer[at + 1]));
  }
  return entries;
}

/** An entry of the hash `state`: `<version>:<value>`. */
export function entryOf(connection: RedisConnection, key: string, stored: unknown): StateEntry {
  if (typeof stored !== 'string') throw unreadable(connection, stored);
  const at = stored.indexOf(':');
  return Object.freeze({ key, version: stored.slice(0, at), value: stored.slice(at + 1) });
}
