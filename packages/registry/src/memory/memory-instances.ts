import {
  ColorwayError,
  type InstanceChange,
  type InstanceRecord,
  type InstanceStore,
  quote,
  type Watch,
  type WatchObserver,
} from '@colorway/core';
import { storedRecord } from '../stored-record.js';
import type { Connection } from './connection.js';
import { Watchers } from './watchers.js';

interface Lease {
  readonly record: InstanceRecord;
  readonly leaseMs: number;
  endsAt: number;
  timer: NodeJS.Timeout;
}

export class MemoryInstances implements InstanceStore {
  readonly #connection: Connection;
  readonly #now: () => number;
  readonly #leases = new Map<string, Lease>();
  readonly #watchers: Watchers<InstanceChange, InstanceChange>;

  constructor(connection: Connection, now: () => number) {
    this.#connection = connection;
    this.#now = now;
    this.#watchers = new Watchers(connection);
  }

  register(instance: InstanceRecord, leaseMs: number): Promise<void> {
    const record = storedRecord(instance);
    return this.#connection.call(() => {
      if (record === undefined)
        throw new ColorwayError('COLORWAY_INVALID_OPTION', `id ${quote(instance?.id)} is not a text.`);
      clearTimeout(this.#leases.get(record.id)?.timer);
      this.#leases.set(record.id, {
        record,
        leaseMs,
        endsAt: this.#now() + leaseMs,
        timer: this.#wake(record.id, leaseMs),
      });
      this.#watchers.tell({ kind: 'delta', put: [record], removed: [] });
    });
  }

  renew(id: string): Promise<void> {
    return this.#connection.call(() => {
      const lease = this.#leases.get(id);
      if (lease === undefined) {
        throw new ColorwayError(
          'COLORWAY_LEASE_LOST',
          `Instance ${quote(id)} is not in the directory. Register it again.`,
        );
      }
      lease.endsAt = this.#now() + lease.leaseMs;
    });
  }

  deregister(id: string): Promise<void> {
    return this.#connection.call(() => this.remove(id));
  }

  watch(observer: WatchObserver<InstanceChange>): Watch {
    return this.#watchers.add(observer, {
      snapshot: () => ({
        kind: 'snapshot',
        instances: Array.from(this.#leases.values(), ({ record }) => record),
      }),
      change: (change) => change,
    });
  }

  /** Takes an instance out as if its lease had run out. */
  remove(id: string): void {
    clearTimeout(this.#leases.get(id)?.timer);
    if (this.#leases.delete(id)) this.#watchers.tell({ kind: 'delta', put: [], removed: [id] });
  }

  /** Renewing only moves `endsAt`: the timer looks when it fires, and waits for the rest. */
  #wake(id: string, ms: number): NodeJS.Timeout {
    return setTimeout(() => {
      const lease = this.#leases.get(id);
      if (lease === undefined) return;
      const rest = lease.endsAt - this.#now();
      if (rest <= 0) this.remove(id);
      else lease.timer = this.#wake(id, Math.ceil(rest));
    }, ms).unref();
  }
}
