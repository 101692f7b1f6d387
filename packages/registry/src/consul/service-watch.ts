import { isDeepStrictEqual } from 'node:util';
import type { InstanceRecord } from '@colorway/core';
import { backoffMs, type Scope, sleep } from '@colorway/core/background';
import type { InstanceFeed } from '../instance-feed.js';
import { BlockingQuery } from './blocking-query.js';
import {
  type Checks,
  changedChecks,
  changedServices,
  parseChecks,
  parseServiceTags,
  type ServiceTags,
} from './catalog-changes.js';
import type { ConsulClient } from './consul-client.js';
import { ExplainedIndexes } from './explained-indexes.js';
import { livingInstances } from './living-instances.js';
import { parseServiceEntries, type ServiceEntry } from './service-entry.js';

const MAX_BACKOFF_MS = 5_000;
const PARALLEL = 8;
/** How long the two queries may take to tell of one and the same change. */
const SKEW_MS = 250;
/** The least time between two readings of everything for the sake of changes that only might have been missed. */
const SWEEP_MS = 60_000;

/**
 * All instances of all services, by two blocking queries however many services there are: the checks
 * (`/v1/health/state/any`) say which services have changed, the names and tags (`/v1/catalog/services`) which
 * ones came and went; only those are read (`/v1/health/service/:name`). A change that shows in neither, of the
 * meta of a service alone, has everything read anew: at once where the catalog's index betrays it, within a
 * minute where other changes hide it.
 */
export class ServiceWatch {
  readonly #client: ConsulClient;
  readonly #feed: InstanceFeed;
  readonly #scope: Scope;
  readonly #checkQuery: BlockingQuery<Checks>;
  readonly #tagQuery: BlockingQuery<ServiceTags>;
  readonly #explained = new ExplainedIndexes();
  #checks: Checks | undefined;
  #tags: ServiceTags | undefined;
  #services = new Map<string, readonly ServiceEntry[]>();
  /** What has been told, by id; nothing before the first snapshot. */
  #told: Map<string, InstanceRecord> | undefined;
  readonly #dirty = new Set<string>();
  #readAll = true;
  #afterOutage = false;
  #working = false;
  #failures = 0;
  #sweep: { readonly at: number; readonly timer: NodeJS.Timeout } | undefined;

  /** @param scope ends when the watch is closed. */
  constructor(scope: Scope, client: ConsulClient, waitMs: number, feed: InstanceFeed) {
    this.#scope = scope;
    scope.signal.addEventListener('abort', () => clearTimeout(this.#sweep?.timer), { once: true });
    this.#client = client;
    this.#feed = feed;
    const failed = (error: Error) => feed.error(error);
    const unchanged = () => this.#current();
    this.#checkQuery = new BlockingQuery(
      scope,
      client,
      { path: 'health/state/any', waitMs },
      ({ text }) => parseChecks(text),
      { answered: (checks, about) => this.#hearChecks(checks, about), unchanged, failed },
    );
    this.#tagQuery = new BlockingQuery(
      scope,
      client,
      { path: 'catalog/services', waitMs },
      ({ text }) => parseServiceTags(text),
      { answered: (tags, about) => this.#hearTags(tags, about), unchanged, failed },
    );
  }

  #hearChecks(checks: Checks, { index, afterOutage }: { index: bigint; afterOutage: boolean }): void {
    const changed = this.#checks === undefined || afterOutage ? [] : changedChecks(this.#checks, checks);
    this.#explained.add(index, changed);
    if (this.#checks === undefined || afterOutage) this.#everything(afterOutage);
    this.#checks = checks;
    for (const { service, node } of changed) {
      if (service !== '') this.#dirty.add(service);
      else for (const name of this.#servicesOn(node)) this.#dirty.add(name);
    }
    this.#read();
  }

  #hearTags(tags: ServiceTags, { index, afterOutage }: { index: bigint; afterOutage: boolean }): void {
    const changed = this.#tags === undefined || afterOutage ? [] : changedServices(this.#tags, tags);
    if (this.#tags === undefined || afterOutage) this.#everything(afterOutage);
    else if (changed.length > 0) this.#sweepIn(SWEEP_MS);
    else this.#sweepUnlessExplained(index);
    this.#tags = tags;
    for (const name of changed) this.#dirty.add(name);
    this.#read();
  }

  #everything(afterOutage: boolean): void {
    this.#readAll = true;
    this.#afterOutage ||= afterOutage;
  }

  #sweepUnlessExplained(index: bigint): void {
    const waitMs = this.#explained.has(index) ? 0 : SKEW_MS;
    const later = () => this.#sweepIn(this.#explained.has(index) ? SWEEP_MS : 0);
    this.#scope.spawn('look for what changed unseen', async (signal) => {
      await sleep(waitMs, signal);
      later();
    });
  }

  #sweepIn(ms: number): void {
    const at = performance.now() + ms;
    if (this.#scope.isDisposed || (this.#sweep !== undefined && this.#sweep.at <= at)) return;
    clearTimeout(this.#sweep?.timer);
    const timer = setTimeout(() => {
      this.#sweep = undefined;
      this.#everything(false);
      this.#read();
    }, ms).unref();
    this.#sweep = { at, timer };
  }

  *#servicesOn(node: string): Iterable<string> {
    for (const [name, entries] of this.#services) {
      if (entries.some((entry) => entry.node === node)) yield name;
    }
  }

  #read(): void {
    this.#scope.spawn('read what has changed', () => this.#work());
  }

  /** Reads what has changed until nothing has. */
  async #work(): Promise<void> {
    if (this.#working || this.#checks === undefined || this.#tags === undefined) return;
    this.#working = true;
    const { signal } = this.#scope;
    while (!signal.aborted && (this.#readAll || this.#dirty.size > 0)) {
      const isAll = this.#readAll;
      const names = new Set(isAll ? this.#tags.keys() : this.#dirty);
      this.#readAll = false;
      this.#dirty.clear();
      try {
        const read = await this.#readServices(names);
        if (signal.aborted) return;
        this.#services = isAll ? read : new Map([...this.#services, ...read]);
        this.#failures = 0;
        this.#tell();
      } catch (error) {
        if (signal.aborted) return;
        this.#everything(true);
        this.#feed.error(error as Error);
        await sleep(backoffMs(this.#failures++, MAX_BACKOFF_MS), signal);
      }
    }
    this.#working = false;
  }

  async #readServices(names: Iterable<string>): Promise<Map<string, readonly ServiceEntry[]>> {
    const services = new Map<string, readonly ServiceEntry[]>();
    const rest = names[Symbol.iterator]();
    const worker = async () => {
      for (let next = rest.next(); !next.done; next = rest.next()) {
        const path = `health/service/${encodeURIComponent(next.value)}`;
        const call = { path, background: true, signal: this.#scope.signal };
        const entries = await this.#client.call(call, ({ text }) => parseServiceEntries(text));
        // Consul also gives those of a service whose name differs by case: they are read, and go, under their own name.
        services.set(
          next.value,
          entries.filter(({ record }) => record.service === next.value),
        );
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, worker));
    return services;
  }

  #tell(): void {
    const { alive, known } = livingInstances([...this.#services.values()].flat());
    const before = this.#told;
    this.#told = alive;
    if (before === undefined || this.#afterOutage) {
      this.#feed.all(alive.values(), this.#afterOutage);
      this.#afterOutage = false;
      return;
    }
    const put = [...alive.values()].filter((record) => !isSame(before.get(record.id), record));
    const gone = [...before.keys()].filter((id) => !alive.has(id));
    const left = gone.filter((id) => !known.has(id));
    const vanished = gone.filter((id) => known.has(id));
    if (put.length + gone.length > 0) this.#feed.changed({ put, left, vanished });
    else this.#current();
  }

  #current(): void {
    const isBusy = this.#readAll || this.#dirty.size > 0;
    const isFailing = this.#checkQuery.isFailing || this.#tagQuery.isFailing || this.#failures > 0;
    if (this.#told !== undefined && !isBusy && !isFailing) this.#feed.current();
  }
}

function isSame(a: InstanceRecord | undefined, b: InstanceRecord): boolean {
  return a === b || isDeepStrictEqual(a, b);
}
