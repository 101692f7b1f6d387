import type { Directory, InstanceStore, StateStore } from '@colorway/core';
import { type Away, Connection } from './connection.js';
import { MemoryInstances } from './memory-instances.js';
import { MemoryState } from './memory-state.js';

export interface MemoryDirectoryOptions {
  /** The clock that leases run by, in milliseconds; only differences count. Default `performance.now`. */
  readonly now?: () => number;
}

/** A directory inside one process, with handles to make happen what happens to real ones. */
export interface MemoryDirectory extends Directory {
  readonly instances: InstanceStore;
  readonly state: StateStore;
  /**
   * The directory is away for everybody: with `refuse` (the default) calls fail with
   * `COLORWAY_DIRECTORY_FAILED` and watches are told; with `hang` calls are not answered and watches are
   * silent. Leases go on running.
   */
  disconnect(away?: Away): void;
  /** It is back: watches get a snapshot, and calls that hung are answered. */
  reconnect(): void;
  /** Ends the lease of an instance at once, as if it had been killed and its lease had run out. */
  expire(id: string): void;
}

/**
 * A directory in memory: the double to test services with, and good for several services in one process.
 * Give one and the same to each `createColoring`. Closing it ends nothing, because the others go on with
 * it; everyone closes the watches of his own. Its timers do not keep a process alive.
 */
export function memoryDirectory(options: MemoryDirectoryOptions = {}): MemoryDirectory {
  const connection = new Connection();
  const instances = new MemoryInstances(connection, options.now ?? (() => performance.now()));
  return {
    instances,
    state: new MemoryState(connection),
    disconnect: (away = 'refuse') => connection.disconnect(away),
    reconnect: () => connection.reconnect(),
    expire: (id) => instances.remove(id),
    close: async () => {},
  };
}
