import { ColorwayError, type InstanceRecord, quote } from '@colorway/core';
import type { Scope } from '@colorway/core/background';
import type { NacosConnection } from './nacos-connection.js';
import type { NacosHttp } from './nacos-http.js';
import { saysTheSame, toNacos } from './nacos-instance.js';
import type { ResolvedNacosOptions } from './options.js';

interface Registered {
  readonly record: InstanceRecord;
  readonly leaseMs: number;
  renewedAt: number;
  /** The connection that it stands by. */
  connection: NacosConnection | undefined;
  timer: NodeJS.Timeout | undefined;
}

/**
 * What this process has registered. Nacos keeps an instance as long as the connection that registered it, so
 * the lease is kept here: one that is not renewed is taken out, and a new connection gets those whose leases
 * run.
 */
export class Registrations {
  readonly #scope: Scope;
  readonly #options: ResolvedNacosOptions;
  readonly #http: NacosHttp;
  readonly #byId = new Map<string, Registered>();

  constructor(scope: Scope, options: ResolvedNacosOptions, http: NacosHttp) {
    this.#scope = scope;
    this.#options = options;
    this.#http = http;
  }

  async register(connection: NacosConnection, record: InstanceRecord, leaseMs: number): Promise<void> {
    const before = this.#byId.get(record.id);
    if (before !== undefined && !isSamePlace(before.record, record)) await this.deregister(record.id);
    else this.#forget(record.id);
    await this.#enter(connection, record);
    const registered = { record, leaseMs, renewedAt: performance.now(), connection, timer: undefined };
    this.#byId.set(record.id, registered);
    this.#keep(registered, leaseMs);
  }

  /** @throws ColorwayError `COLORWAY_LEASE_LOST` */
  async renew(connection: NacosConnection, id: string): Promise<void> {
    const registered = this.#byId.get(id);
    if (registered === undefined || isOver(registered)) throw lost(id);
    if (registered.connection !== connection) await this.#restore(connection, registered);
    else await connection.request('HealthCheckRequest');
    if (this.#byId.get(id) !== registered || isOver(registered)) throw lost(id);
    registered.renewedAt = performance.now();
  }

  async deregister(id: string): Promise<void> {
    const registered = this.#byId.get(id);
    this.#forget(id);
    const { connection, record } = registered ?? {};
    // Where the connection is lost, the server takes it out by itself.
    if (connection === undefined || record === undefined || connection.why !== undefined) return;
    await this.#send(connection, 'deregisterInstance', record);
  }

  /**
   * Registers on a new connection what stands by an old one. One that cannot be restored fails its own next renewal, which
   * tries again, and holds up no other.
   * @throws why the connection was lost meanwhile.
   */
  async restoreAll(connection: NacosConnection): Promise<void> {
    const waiting = [...this.#byId.values()].filter((registered) => !isOver(registered));
    await Promise.allSettled(waiting.map((registered) => this.#restore(connection, registered)));
    if (connection.why !== undefined) throw connection.why;
  }

  close(): void {
    for (const id of [...this.#byId.keys()]) this.#forget(id);
  }

  async #restore(connection: NacosConnection, registered: Registered): Promise<void> {
    await this.#enter(connection, registered.record);
    registered.connection = connection;
    // It may have left in the meantime.
    if (this.#byId.get(registered.record.id) !== registered)
      await this.#send(connection, 'deregisterInstance', registered.record);
  }

  /**
   * A server may keep what was said of an address for a minute after its instance has left, and tell that of
   * the next one: r-nacos always does, Nacos after somebody has edited it. A color would be another's then
   * (law 4), so it is looked at what the server has made of it, and put right.
   */
  async #enter(connection: NacosConnection, record: InstanceRecord): Promise<void> {
    await this.#send(connection, 'registerInstance', record);
    if (await this.#isKnown(connection, record)) return;
    const { namespace, group, cluster } = this.#options;
    const { ip, port, weight, metadata } = toNacos(record, cluster);
    await this.#http.update({
      namespaceId: namespace,
      groupName: group,
      serviceName: record.service,
      clusterName: cluster,
      ip: String(ip),
      port: String(port),
      weight: String(weight),
      ephemeral: 'true',
      enabled: 'true',
      metadata: JSON.stringify(metadata),
    });
    if (await this.#isKnown(connection, record)) return;
    await this.#send(connection, 'deregisterInstance', record);
    throw new ColorwayError(
      'COLORWAY_DIRECTORY_FAILED',
      `Nacos at ${connection.address} says something else of ${record.host}:${record.port} than what was registered. It forgets that a minute after the last instance there has left; or use another port.`,
    );
  }

  async #isKnown(connection: NacosConnection, record: InstanceRecord): Promise<boolean> {
    const { namespace, group, cluster } = this.#options;
    const of = {
      namespace,
      groupName: group,
      serviceName: record.service,
      cluster,
      healthyOnly: false,
      udpPort: 0,
    };
    const { serviceInfo } = await connection.request('ServiceQueryRequest', of);
    const { hosts } = (serviceInfo ?? {}) as { readonly hosts?: unknown };
    return Array.isArray(hosts) && hosts.some((host) => saysTheSame(record, cluster, host));
  }

  async #send(connection: NacosConnection, type: string, record: InstanceRecord): Promise<void> {
    const { namespace, group, cluster } = this.#options;
    const instance = toNacos(record, cluster);
    const to = { namespace, groupName: group, serviceName: record.service };
    await connection.request('InstanceRequest', { ...to, type, instance });
  }

  /** Looks when the lease may be over; renewing only moves `renewedAt`. */
  #keep(registered: Registered, ms: number): void {
    if (this.#scope.isDisposed) return;
    registered.timer = setTimeout(() => {
      const restMs = registered.renewedAt + registered.leaseMs - performance.now();
      if (restMs > 0) this.#keep(registered, Math.ceil(restMs));
      else this.#end(registered.record.id);
    }, ms).unref();
  }

  /** Its lease is over; a server that cannot be told takes it out with the connection. */
  #end(id: string): void {
    if (this.#scope.isDisposed) return;
    this.#scope.spawn(`end of the lease of ${id}`, () => this.deregister(id).catch(() => {}));
  }

  #forget(id: string): void {
    clearTimeout(this.#byId.get(id)?.timer);
    this.#byId.delete(id);
  }
}

function isSamePlace(a: InstanceRecord, b: InstanceRecord): boolean {
  return a.service === b.service && a.host === b.host && a.port === b.port;
}

function isOver({ renewedAt, leaseMs }: Registered): boolean {
  return performance.now() - renewedAt > leaseMs;
}

function lost(id: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_LEASE_LOST',
    `Instance ${quote(id)} is not in the directory. Register it again.`,
  );
}
