import { decodeKey, fieldsOf, type KeyValue, listOf, parseKeyValue, revisionOf } from './key-value.js';

/** What a line of a watch stream says. */
export type WatchMessage =
  | { readonly kind: 'created'; readonly revision: bigint; readonly cluster: string }
  | {
      readonly kind: 'events';
      /** Of the store. While it sends what was missed it is ahead of the events. */
      readonly revision: bigint;
      /** Up to which revision everything has been told. */
      readonly toldTo: bigint;
      readonly put: readonly KeyValue[];
      readonly removed: readonly string[];
    }
  /** The history that was asked for is compacted away. */
  | { readonly kind: 'compacted' }
  | { readonly kind: 'ended'; readonly why: string };

/** @throws Error for a line that is none of etcd's. */
export function parseWatchMessage(line: string): WatchMessage {
  const { result, error } = fieldsOf(JSON.parse(line));
  if (error !== undefined) return { kind: 'ended', why: `its watch ended: ${JSON.stringify(error)}` };
  const fields = fieldsOf(result);
  if (fields.canceled === true) {
    // "required revision has been compacted" comes with the revision from which on there is history.
    if (fields.compact_revision !== undefined) return { kind: 'compacted' };
    return {
      kind: 'ended',
      why: `it refused the watch: ${String(fields.cancel_reason ?? 'no reason given')}`,
    };
  }
  const revision = revisionOf(result);
  if (fields.created === true) {
    return { kind: 'created', revision, cluster: String(fieldsOf(fields.header).cluster_id) };
  }
  const events = listOf(fields.events);
  return { kind: 'events', revision, toldTo: lastRevision(events) ?? revision, ...lastOfEach(events) };
}

/** One message may tell of a key several times: the last one stands. */
function lastOfEach(events: readonly unknown[]): { put: KeyValue[]; removed: string[] } {
  const put = new Map<string, KeyValue>();
  const removed = new Set<string>();
  for (const event of events) {
    const { type, kv } = fieldsOf(event);
    if (type === 'DELETE') {
      const key = decodeKey(String(fieldsOf(kv).key));
      put.delete(key);
      removed.add(key);
    } else {
      const pair = parseKeyValue(kv);
      removed.delete(pair.key);
      put.set(pair.key, pair);
    }
  }
  return { put: [...put.values()], removed: [...removed] };
}

function lastRevision(events: readonly unknown[]): bigint | undefined {
  const last = events.at(-1);
  return last === undefined ? undefined : BigInt(String(fieldsOf(fieldsOf(last).kv).mod_revision));
}
