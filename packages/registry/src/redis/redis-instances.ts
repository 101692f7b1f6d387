import {
  ColorwayError,
  type InstanceChange,
  type InstanceRecord,
  type InstanceStore,
  quote,
  type Watch,
  type WatchObserver,
} from '@colorway/core';
import type { ChangeTracker } from './change-tracker.js';
import type { RedisKeySpace } from './redis-key-space.js';
import type { RedisLink } from './redis-link.js';
import { DEREGISTER, REGISTER, RENEW } from './scripts.js';

/**
 * Instances in one hash, and the ends of their leases, by the server's clock, in a sorted set. Whoever watches
 * takes out those whose leases are over.
 */
export class RedisInstances implements InstanceStore {
  readonly reach = 'network';
  readonly #link: RedisLink;
  readonly #space: RedisKeySpace;
  readonly #tracker: ChangeTracker;

  constructor(link: RedisLink, space: RedisKeySpace, tracker: ChangeTracker) {
    this.#link = link;
    this.#space = space;
    this.#tracker = tracker;
  }

  async register(instance: InstanceRecord, leaseMs: number): Promise<void> {
    const record = JSON.stringify(instance);
    const lease = String(Math.ceil(leaseMs));
    await this.#run(REGISTER, this.#space.channel, instance.id, lease, record);
  }

  async renew(id: string): Promise<void> {
    if ((await this.#run(RENEW, id)) === 1) return;
    throw new ColorwayError(
      'COLORWAY_LEASE_LOST',
      `Instance ${quote(id)} is not in the directory. Register it again.`,
    );
  }

  async deregister(id: string): Promise<void> {
    await this.#run(DEREGISTER, this.#space.channel, id);
  }

  watch(observer: WatchObserver<InstanceChange>): Watch {
    this.#link.mustBeOpen();
    return this.#tracker.watchInstances(observer);
  }

  #run(script: string, ...args: readonly string[]): Promise<unknown> {
    return this.#link.call((connection) => this.#space.run(connection, script, ...args));
  }
}
