import {
  encodeFence,
  encodeHandover,
  type FenceKind,
  FenceStore,
  type FenceTable,
  fenceKey,
  type Handover,
  type HandoverHere,
  handoverHere,
  type Proof,
  parseHandover,
  stateKey,
} from '../shipped.js';
import { COLOR } from '../world.js';

// Taken out of the globals, which are slow to reach from a test.
const { stringify } = JSON;
const toBigInt = BigInt;
const BIGINTS = [...new Uint8Array(64).keys()].map(toBigInt);

export function bigint(value: number): bigint {
  return BIGINTS[value] as bigint;
}

export const NAMES = { group: 'GID_x', topic: 'orders' };
export const CUSTODIAN = 'custodian';

/** What somebody knows of the directory: entries are the very values that stand in it. */
export interface View {
  /** As the last read of everything found it. */
  readonly read?: string;
  /** The newest that was told. */
  readonly entry?: string;
  /** By epoch and kind: `3/join`. */
  readonly fences: Readonly<Record<string, number>>;
  /** The mark of the directory that this comes from. */
  readonly mark: number;
}

/** An offset, and the topic that it is of. */
export interface Place {
  readonly offset: number;
  readonly log: number;
}

/** Where a look at the topic's identity is: the directory was read, or the topic was asked too. */
export interface Check {
  readonly why: 'assigned' | 'began' | 'upkeep' | 'fence' | 'follow';
  readonly phase: 'begin' | 'read' | 'asked';
  readonly log?: number;
  readonly renews?: number;
}

export interface Member {
  readonly up: boolean;
  readonly refreshed: boolean;
  /** The topic that the adapter believes its position to be of. */
  readonly log?: number;
  /** The adapter's position, and which topic it is of in truth. */
  readonly at?: Place;
  /** Where the client fetches. */
  readonly client: Place;
  readonly committed?: number;
  readonly proof?: {
    readonly position: number;
    readonly known: { readonly kind: Handover['kind']; readonly epoch: number };
  };
  readonly check?: Check;
  /** The batch in hand was looked at. */
  readonly begun?: true;
  /** A color has gone to its boundary, and has had no batch from there yet. */
  readonly starts?: true;
  /** A batch came that may be of another topic. */
  readonly doubtful?: true;
  readonly view: View;
}

export interface Situation {
  /** Which topic it is: the first, or one that was made again. */
  readonly log: number;
  /** Who handled each message that has come. */
  readonly handled: readonly ('' | 'baseline' | 'colored')[];
  readonly entry?: string;
  readonly fences: Readonly<Record<string, number>>;
  readonly mark: number;
  /** Of the two groups at the broker. */
  readonly baseline?: Place;
  readonly colored?: Place;
  readonly b: Member;
  readonly c: Member;
  /** Of whoever looks after the topic. */
  readonly upkeep?: Check;
  readonly upkeepView: View;
  /** The color is about to join, in the topic that it has asked for. */
  readonly joining?: number;
  readonly restarts: number;
  readonly wipes: number;
  readonly joins: number;
  readonly epochs: number;
}

export const NO_VIEW: View = { fences: {}, mark: 0 };
export const DOWN: Member = { up: false, refreshed: false, client: { offset: 0, log: 0 }, view: NO_VIEW };

const parsed = new Map<string, Handover>();

export function handoverOf(entry: string | undefined): Handover | undefined {
  if (entry === undefined) return undefined;
  const known = parsed.get(entry);
  if (known !== undefined) return known;
  const read = parseHandover(entry);
  if (read.kind === 'unreadable') throw new Error(read.why);
  parsed.set(entry, read);
  return read;
}

const tables = new Map<string, FenceTable>();

/** Through the real keys, codec and store. */
export function tableOf({ read, entry, fences }: Omit<View, 'mark'>): FenceTable {
  const key = `${read}|${entry}|${stringify(fences)}`;
  let table = tables.get(key);
  if (table === undefined) {
    const store = new FenceStore({ ...NAMES, coloredGroup: (color) => `GID_${color}_x` });
    const state = stateKey(store.prefix, COLOR);
    const found = read ?? entry;
    if (found !== undefined && entry !== undefined) {
      store.refresh([{ key: state, value: found, version: '1' }]);
      store.add({ key: state, value: entry, version: '1' });
      for (const [name, offset] of Object.entries(fences)) {
        const [epoch, kind] = name.split('/') as [string, FenceKind];
        store.add({
          key: fenceKey(store.prefix, COLOR, Number(epoch), kind, 0),
          value: encodeFence(BigInt(offset), 'model'),
          version: '1',
        });
      }
    }
    table = store.current();
    tables.set(key, table);
  }
  return table;
}

const UNREFRESHED = new FenceStore({ ...NAMES, coloredGroup: (color) => `GID_${color}_x` }).unrefreshed();

export function memberTable({ refreshed, view }: Member): FenceTable {
  return refreshed ? tableOf(view) : UNREFRESHED;
}

export function here(view: Omit<View, 'mark'>): HandoverHere {
  return handoverHere(tableOf(view), COLOR, 0);
}

export function truth({ entry, fences }: Situation): FenceTable {
  return tableOf({ ...(entry !== undefined && { read: entry, entry }), fences });
}

export function encoded(state: Handover): string {
  return encodeHandover(state, NAMES);
}

export function proofIn({ proof }: Member): Proof | undefined {
  return proof && { generation: 1, position: bigint(proof.position), known: proof.known };
}

/** Without the keys that have no value, so that equal situations are written alike. */
export function put<T extends object>(object: T, changes: { [Key in keyof T]?: T[Key] | undefined }): T {
  const next = { ...object };
  for (const key in changes) {
    const value = changes[key];
    if (value === undefined) delete next[key];
    else next[key] = value;
  }
  return next;
}
