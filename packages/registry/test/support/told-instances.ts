import type { InstanceChange, InstanceRecord, InstanceStore, Watch, WatchObserver } from '@colorway/core';
import { cleanUp } from './clean-up.js';
import { until } from './wait.js';

/** What a watch of instances has told so far; closed after the test. */
export class ToldInstances implements WatchObserver<InstanceChange> {
  readonly byId = new Map<string, InstanceRecord>();
  /** Every id that was there and then was not, in order. */
  readonly lost: string[] = [];
  readonly errors: Error[] = [];
  snapshots = 0;
  changes = 0;
  currents = 0;
  readonly watch: Watch;

  constructor(store: InstanceStore) {
    this.watch = store.watch(this);
    cleanUp(() => this.watch.close());
  }

  static async of(store: InstanceStore): Promise<ToldInstances> {
    const told = new ToldInstances(store);
    await until('the first snapshot', () => told.snapshots > 0, 30_000);
    return told;
  }

  /** The services that have an instance. */
  get services(): string[] {
    return [...new Set(Array.from(this.byId.values(), ({ service }) => service))].sort();
  }

  next(change: InstanceChange): void {
    this.changes++;
    if (change.kind === 'snapshot') {
      this.snapshots++;
      const kept = new Set(change.instances.map(({ id }) => id));
      for (const id of [...this.byId.keys()]) if (!kept.has(id)) this.#lose(id);
      for (const record of change.instances) this.byId.set(record.id, record);
      return;
    }
    for (const record of change.put) this.byId.set(record.id, record);
    for (const id of change.removed) this.#lose(id);
  }

  current(): void {
    this.currents++;
  }

  error(error: Error): void {
    this.errors.push(error);
  }

  /** Waits until the directory has been heard of again. */
  async heardAgain(): Promise<void> {
    const before = this.currents + this.changes;
    await until('a sign of life', () => this.currents + this.changes > before, 60_000);
  }

  #lose(id: string): void {
    if (this.byId.delete(id)) this.lost.push(id);
  }
}

export function record(id: string, more: Partial<InstanceRecord> = {}): InstanceRecord {
  return { id, service: 'order', host: '10.0.0.7', port: 3001, metadata: {}, startedAt: 1, ...more };
}
