import type { InstanceChange, InstanceRecord, InstanceStore, Watch, WatchObserver } from '@colorway/core';
import { Scope } from '@colorway/core/background';
import { frozenRecord } from '../stored-record.js';
import { NacosHttp } from './nacos-http.js';
import { NacosLink } from './nacos-link.js';
import { type NacosOptions, resolveNacosOptions } from './options.js';
import { Registrations } from './registrations.js';
import { ServiceWatch } from './service-watch.js';

/**
 * The instances half of a directory in Nacos 2 or newer, or r-nacos, over its gRPC API: native ephemeral
 * instances, so that services in other languages see ours and are seen, and changes are pushed. Nacos has no
 * compare-and-set that its servers keep, so it has no state half: join it with one by `composeDirectory`.
 *
 * It connects on first use. What fails does so with `COLORWAY_DIRECTORY_FAILED`, which names the server, and
 * with `COLORWAY_CLOSED` after `close()`, which takes out at once what was registered. The id of an instance
 * must not change its address while it is registered by another process; an address belongs to one instance
 * of a service.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function nacosInstances(options: NacosOptions = {}): {
  readonly instances: InstanceStore;
  close(): Promise<void>;
} {
  const instances = new NacosInstances(options);
  return { instances, close: () => instances.close() };
}

class NacosInstances implements InstanceStore {
  readonly reach = 'network';
  readonly #scope = new Scope('Nacos directory');
  readonly #http: NacosHttp;
  readonly #link: NacosLink;
  readonly #registrations: Registrations;
  readonly #watch: ServiceWatch;

  constructor(options: NacosOptions) {
    const resolved = resolveNacosOptions(options);
    this.#http = new NacosHttp(resolved);
    this.#registrations = new Registrations(this.#scope, resolved, this.#http);
    this.#link = new NacosLink(this.#scope, resolved, this.#http, (connection) =>
      this.#registrations.restoreAll(connection),
    );
    this.#watch = new ServiceWatch(this.#scope, this.#link, resolved);
  }

  register(instance: InstanceRecord, leaseMs: number): Promise<void> {
    const record = frozenRecord(instance);
    return this.#link.call((connection) => this.#registrations.register(connection, record, leaseMs));
  }

  renew(id: string): Promise<void> {
    return this.#link.call((connection) => this.#registrations.renew(connection, id));
  }

  async deregister(id: string): Promise<void> {
    this.#link.mustBeOpen();
    await this.#registrations.deregister(id);
  }

  watch(observer: WatchObserver<InstanceChange>): Watch {
    this.#link.mustBeOpen();
    return this.#watch.add(observer);
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#registrations.close();
    this.#link.close();
    await this.#http.close();
    await this.#scope.dispose();
  }
}
