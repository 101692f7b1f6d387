import { GoneSince } from './background/gone-since.js';
import { type CarrierNames, DEFAULT_CARRIER_NAMES } from './carrier-names.js';
import type { InstanceChange, InstanceRecord, StateChange } from './directory.js';
import { type Instance, readInstance, sameRecord } from './instance.js';
import { parseMembershipKey } from './membership-key.js';
import { isServiceName } from './record-grammar.js';
import { ServiceTable } from './service-table.js';
import { type DirectoryView, type ServiceView, UNANSWERED_VIEW } from './view.js';

export interface ViewStoreOptions {
  readonly names?: CarrierNames;
  /** Told of each record that routing cannot use. */
  readonly onUnusable?: (why: string) => void;
  /** Told of each record that says more weight than is allowed, and counts with less. */
  readonly onBounded?: (record: InstanceRecord, greatest: number) => void;
  /** Milliseconds that only grow. Default `performance.now`. */
  readonly now?: () => number;
}

/**
 * Turns what a directory tells into views. A view is made when it is asked for, of the services that
 * changed since the last one; so a storm of changes costs no more than the reads in between.
 */
export class ViewStore {
  readonly #names: CarrierNames;
  readonly #onUnusable: (why: string) => void;
  readonly #onBounded: NonNullable<ViewStoreOptions['onBounded']>;
  readonly #instances = new Map<string, Instance>();
  /** As they were written, those that count with less weight than they say. */
  readonly #bounded = new Map<string, InstanceRecord>();
  #greatestWeight = Number.POSITIVE_INFINITY;
  readonly #memberships = new Set<string>();
  readonly #tables = new Map<string, ServiceTable>();
  readonly #spelled = new Map<string, string>();
  readonly #changed = new Set<string>();
  /** The services that have neither an instance nor a member. */
  readonly #gone: GoneSince;
  readonly #answered = { instances: false, state: false };
  #view = UNANSWERED_VIEW;

  constructor(options: ViewStoreOptions = {}) {
    this.#names = options.names ?? DEFAULT_CARRIER_NAMES;
    this.#onUnusable = options.onUnusable ?? (() => {});
    this.#onBounded = options.onBounded ?? (() => {});
    this.#gone = new GoneSince(options.now);
  }

  current(): DirectoryView {
    const answered = this.#answered.instances && this.#answered.state;
    if (this.#changed.size === 0 && answered === this.#view.answered) return this.#view;
    const changed = new Map<string, ServiceView | undefined>();
    for (const name of this.#changed) changed.set(name, this.#tables.get(name)?.view());
    this.#changed.clear();
    const services = this.#view.services.with(changed);
    const spelled = this.#spelled;
    this.#view = Object.freeze({ version: this.#view.version + 1, answered, services, spelled });
    return this.#view;
  }

  applyInstances(change: InstanceChange): void {
    if (change.kind === 'snapshot') {
      const kept = new Set(change.instances.map(({ id }) => id));
      for (const id of this.#instances.keys()) if (!kept.has(id)) this.#remove(id);
      for (const record of change.instances) this.#put(record);
    } else {
      for (const record of change.put) this.#put(record);
      for (const id of change.removed) this.#remove(id);
    }
    this.#answered.instances = true;
  }

  /** Takes the state below `MEMBERSHIP_PREFIX`. */
  applyMemberships(change: StateChange): void {
    if (change.kind === 'snapshot') {
      const kept = new Set(change.entries.map(({ key }) => key));
      for (const key of this.#memberships) if (!kept.has(key)) this.#withdraw(key);
      for (const { key } of change.entries) this.#declare(key);
    } else {
      for (const { key } of change.put) this.#declare(key);
      for (const key of change.removed) this.#withdraw(key);
    }
    this.#answered.state = true;
  }

  /**
   * Forgets the services that have had neither an instance nor a member for a day: whoever fills a directory with names, or
   * gives each release a new one, does not fill the processes that look. Whether there were any.
   */
  forgetGone(): boolean {
    const forgotten = this.#gone.takeForgotten();
    for (const service of forgotten) this.#forget(service);
    return forgotten.length > 0;
  }

  /** From now on no instance counts with more weight than this; `undefined` for no bound. */
  boundWeights(greatest: number = Number.POSITIVE_INFINITY): void {
    if (greatest === this.#greatestWeight) return;
    this.#greatestWeight = greatest;
    for (const known of [...this.#instances.values()]) {
      const written = this.#bounded.get(known.id);
      if (written === undefined && known.weight <= greatest) continue;
      this.#remove(known.id);
      this.#put(written ?? known);
    }
  }

  #put(record: InstanceRecord): void {
    const known = this.#instances.get(record.id);
    if (known !== undefined && sameRecord(this.#bounded.get(record.id) ?? known, record)) return;
    if (known !== undefined) this.#remove(record.id);
    const read = readInstance(record, this.#names);
    if (read.kind === 'unusable') {
      this.#onUnusable(read.why);
      return;
    }
    const instance = this.#withinBound(read.instance, record);
    this.#instances.set(instance.id, instance);
    this.#change(instance.service, (table) => table.put(instance));
  }

  #withinBound(instance: Instance, record: InstanceRecord): Instance {
    if (instance.weight <= this.#greatestWeight) return instance;
    this.#bounded.set(record.id, record);
    this.#onBounded(record, this.#greatestWeight);
    return Object.freeze({ ...instance, weight: this.#greatestWeight });
  }

  #remove(id: string): void {
    const known = this.#instances.get(id);
    if (known === undefined) return;
    this.#instances.delete(id);
    this.#bounded.delete(id);
    this.#change(known.service, (table) => table.remove(known));
  }

  #declare(key: string): void {
    const membership = parseMembershipKey(key);
    // Of what no record can name nobody is a member.
    if (membership === undefined || this.#memberships.has(key) || !isServiceName(membership.service)) return;
    this.#memberships.add(key);
    this.#change(membership.service, (table) => table.declare(membership.color));
  }

  #withdraw(key: string): void {
    const membership = parseMembershipKey(key);
    if (membership === undefined || !this.#memberships.delete(key)) return;
    this.#change(membership.service, (table) => table.withdraw(membership.color));
  }

  #change(service: string, how: (table: ServiceTable) => void): void {
    this.#changed.add(service);
    const table = this.#table(service);
    how(table);
    if (table.isGone) this.#gone.gone(service);
    else this.#gone.back(service);
  }

  #forget(service: string): void {
    this.#tables.delete(service);
    this.#changed.add(service);
    const lower = service.toLowerCase();
    if (this.#spelled.get(lower) !== service) return;
    this.#spelled.delete(lower);
    for (const other of this.#tables.keys()) this.#spell(other, lower);
  }

  #spell(service: string, lower = service.toLowerCase()): void {
    if (lower === service || service.toLowerCase() !== lower || this.#spelled.has(lower)) return;
    this.#spelled.set(lower, service);
  }

  #table(service: string): ServiceTable {
    let table = this.#tables.get(service);
    if (table === undefined) {
      table = new ServiceTable(service);
      this.#tables.set(service, table);
      this.#spell(service);
    }
    return table;
  }
}
