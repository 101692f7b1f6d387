/*
 * The directory port. A directory has two halves, because companies keep them in two places:
 * instances (any discovery) and state (any store with compare-and-set, create-if-absent and a
 * linearizable read). Adapters implement these types in `@colorway/registry`; each half has one contract
 * suite that every adapter passes.
 */

export interface Directory {
  readonly instances: InstanceStore;
  /** Environments, memberships and fences. Without it no service can be declared a member. */
  readonly state?: StateStore;
  /** Ends watches and connections. Leases are left to run out. Idempotent. */
  close(): Promise<void>;
}

/** One running copy of a service, as the directory holds it. */
export interface InstanceRecord {
  /** Unique in the whole directory. */
  readonly id: string;
  readonly service: string;
  /** A name or an address; an IPv6 address without brackets. */
  readonly host: string;
  readonly port: number;
  /** Speaks TLS. Default false. */
  readonly secure?: boolean;
  /** Share of the traffic relative to its fellows. Default 1. */
  readonly weight?: number;
  /** `COLORING_ENV` holds the color of a colored instance. */
  readonly metadata: Readonly<Record<string, string>>;
  /** When it began to serve, in milliseconds since the epoch; slow start counts from here. */
  readonly startedAt: number;
}

export interface InstanceStore {
  /** `network` where other machines read it, so that an address of this machine alone is of no use there. */
  readonly reach?: 'network';
  /**
   * Registers, or replaces, the instance of this id. It vanishes when it is not renewed within `leaseMs`.
   * @throws ColorwayError `COLORWAY_DIRECTORY_FAILED`
   */
  register(instance: InstanceRecord, leaseMs: number): Promise<void>;
  /**
   * Gives a registered instance another full lease.
   * @throws ColorwayError `COLORWAY_LEASE_LOST` when the directory no longer knows it; register again.
   */
  renew(id: string): Promise<void>;
  /** Takes the instance out at once. Unknown ids are no error. */
  deregister(id: string): Promise<void>;
  /** Tells of all instances, first as a snapshot, then change by change, until the watch is closed. */
  watch(observer: WatchObserver<InstanceChange>): Watch;
}

export type InstanceChange =
  /** Replaces all that was known: at first, and after a gap. */
  | { readonly kind: 'snapshot'; readonly instances: readonly InstanceRecord[] }
  | { readonly kind: 'delta'; readonly put: readonly InstanceRecord[]; readonly removed: readonly string[] };

/** A small key space. Keys are printable ASCII with `/` between parts, at most 512 characters. */
export interface StateStore {
  /** Linearizable: sees every write that was acknowledged before the call. */
  get(key: string): Promise<StateEntry | undefined>;
  /** All entries below a prefix, in key order. Linearizable. */
  list(prefix: string): Promise<readonly StateEntry[]>;
  /** Creates the key where there is none. `created: false` comes with the entry that stands. */
  create(key: string, value: string): Promise<{ readonly created: boolean; readonly entry: StateEntry }>;
  /** Replaces the value if the entry still has this version; `undefined` when it has not. */
  compareAndSet(key: string, value: string, version: string): Promise<StateEntry | undefined>;
  /** Deletes the key if the entry still has this version; false when it has not. */
  compareAndDelete(key: string, version: string): Promise<boolean>;
  /** Tells of all entries below a prefix, first as a snapshot, then change by change. */
  watch(prefix: string, observer: WatchObserver<StateChange>): Watch;
  /**
   * The store's own time, in milliseconds since the epoch, to a second or two: by it environments expire, whichever host
   * looks. A store that has none, or the clock of this very host, leaves it out.
   */
  now?(): Promise<number>;
}

export interface StateEntry {
  readonly key: string;
  readonly value: string;
  /** Changes with every write to the key; opaque. */
  readonly version: string;
}

export type StateChange =
  | { readonly kind: 'snapshot'; readonly entries: readonly StateEntry[] }
  | { readonly kind: 'delta'; readonly put: readonly StateEntry[]; readonly removed: readonly string[] };

/**
 * What a watch tells. Calls never overlap and come in order, never before `watch` has returned. A watch
 * does not end by itself: after an error the adapter goes on trying.
 */
export interface WatchObserver<Change> {
  next(change: Change): void;
  /** The directory answered, and nothing has changed: what is known is current. */
  current(): void;
  /** The directory could not be read; the last `next` still stands. */
  error(error: Error): void;
}

export interface Watch {
  /** After this the observer is not called again. Idempotent. */
  close(): void;
}
