import {
  ColorwayError,
  type InstanceChange,
  type InstanceRecord,
  type InstanceStore,
  quote,
  type Watch,
  type WatchObserver,
  warnOnce,
} from '@colorway/core';
import { InstanceFeed } from '../instance-feed.js';
import { parseStoredRecord } from '../stored-record.js';
import type { Watches } from '../watches.js';
import type { EtcdClient } from './etcd-client.js';
import { encode, fieldsOf, type KeyValue, listOf } from './key-value.js';
import type { EtcdOptions } from './options.js';
import { PrefixWatch } from './prefix-watch.js';

/** Instances as keys below a prefix, each under a lease of its own; the key ends with the id. */
export class EtcdInstances implements InstanceStore {
  readonly reach = 'network';
  readonly #client: EtcdClient;
  readonly #prefix: string;
  readonly #watches: Watches;
  readonly #options: Pick<EtcdOptions, 'checkMs' | 'graceMs'>;
  /** The leases of the instances that were registered here, by id. */
  readonly #leases = new Map<string, string>();

  constructor(
    client: EtcdClient,
    prefix: string,
    watches: Watches,
    options: Pick<EtcdOptions, 'checkMs' | 'graceMs'>,
  ) {
    this.#client = client;
    this.#prefix = prefix;
    this.#watches = watches;
    this.#options = options;
  }

  async register(instance: InstanceRecord, leaseMs: number): Promise<void> {
    const { id, ...rest } = instance;
    const value = JSON.stringify(rest);
    const lease = await this.#grant(leaseMs);
    try {
      await this.#client.call(
        { path: 'kv/put', body: { key: this.#at(id), value: encode(value), lease }, repeatable: true },
        () => {},
      );
    } catch (error) {
      this.#drop(lease);
      throw error;
    }
    const before = this.#leases.get(id);
    this.#leases.set(id, lease);
    if (before !== undefined) this.#drop(before); // the key is not under it any more
  }

  /** Somebody else's registration of the same id is as good as one's own; a key that is gone is not. */
  async renew(id: string): Promise<void> {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw lost(id);
    const [isAlive, isThere] = await Promise.all([this.#keepAlive(lease), this.#isThere(id)]);
    if (isAlive && isThere) return;
    if (this.#leases.get(id) === lease) this.#leases.delete(id);
    if (isAlive) this.#drop(lease);
    throw lost(id);
  }

  /** One's own lease takes its key with it, and leaves one that another process has registered since. */
  async deregister(id: string): Promise<void> {
    const lease = this.#leases.get(id);
    if (lease === undefined) {
      await this.#client.call(
        { path: 'kv/deleterange', body: { key: this.#at(id) }, repeatable: true },
        () => {},
      );
      return;
    }
    await this.#revoke(lease);
    if (this.#leases.get(id) === lease) this.#leases.delete(id);
  }

  watch(observer: WatchObserver<InstanceChange>): Watch {
    return this.#watches.add('watch of the instances', (scope, onClose) => {
      const feed = new InstanceFeed(scope, observer, this.#options.graceMs, onClose);
      new PrefixWatch(scope, this.#client, this.#prefix, this.#options.checkMs, {
        all: (pairs, afterOutage) => feed.all(this.#records(pairs), afterOutage),
        changed: (pairs, keys) => {
          const put = this.#records(pairs);
          const readable = new Set(put.map(({ id }) => id));
          // What cannot be read any more is no instance any more.
          const unreadable = pairs.map(({ key }) => this.#id(key)).filter((id) => !readable.has(id));
          feed.changed({ put, left: [...keys.map((key) => this.#id(key)), ...unreadable] });
        },
        current: () => feed.current(),
        error: (error) => feed.error(error),
      });
      return feed.watch;
    });
  }

  #records(pairs: readonly KeyValue[]): InstanceRecord[] {
    return pairs.flatMap(({ key, value }) => {
      const record = parseStoredRecord(value, this.#id(key));
      if (record !== undefined) return [record];
      warnOnce(
        'COLORWAY_INSTANCE_UNREADABLE',
        `The value of etcd's key ${quote(key)} is no instance and is left out. An instance is a JSON object with "service", "host" and "port". Further ones are left out without a report.`,
      );
      return [];
    });
  }

  async #grant(leaseMs: number): Promise<string> {
    const body = { TTL: String(Math.ceil(leaseMs / 1_000)) };
    const lease = await this.#client.call({ path: 'lease/grant', body, repeatable: true }, (json) => {
      const { ID } = fieldsOf(json);
      if (typeof ID !== 'string') throw new Error('it granted no lease');
      return ID;
    });
    return lease as string; // granting never answers "not found"
  }

  /** The answer for a lease that has run out has no time to live. */
  async #keepAlive(lease: string): Promise<boolean> {
    const alive = await this.#client.call(
      { path: 'lease/keepalive', body: { ID: lease }, repeatable: true },
      (json) => Number(fieldsOf(fieldsOf(json).result).TTL ?? 0),
    );
    return alive !== undefined && alive > 0;
  }

  async #isThere(id: string): Promise<boolean> {
    const body = { key: this.#at(id), keys_only: true };
    const found = await this.#client.call({ path: 'kv/range', body, repeatable: true }, (json) =>
      listOf(fieldsOf(json).kvs),
    );
    return found !== undefined && found.length > 0;
  }

  async #revoke(lease: string): Promise<void> {
    await this.#client.call({ path: 'lease/revoke', body: { ID: lease }, repeatable: true }, () => {});
  }

  /** Revokes it in passing; one that cannot be revoked runs out. */
  #drop(lease: string): void {
    this.#revoke(lease).catch(() => {});
  }

  #at(id: string): string {
    return encode(this.#prefix + id);
  }

  #id(key: string): string {
    return key.slice(this.#prefix.length);
  }
}

function lost(id: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_LEASE_LOST',
    `Instance ${quote(id)} is not in etcd, or its lease has run out. Register it again.`,
  );
}
