import { ColorwayError, type InstanceChange, type Watch, type WatchObserver } from '@colorway/core';
import { backoffMs, Deferred, GoneSince, type Scope, sleep } from '@colorway/core/background';
import { InstanceLedger } from '../instance-ledger.js';
import { numberOf } from '../json-number.js';
import { isUsableName } from '../service-name.js';
import { WatchFeed } from '../watch-feed.js';
import { WhileWatched } from '../while-watched.js';
import type { NacosConnection } from './nacos-connection.js';
import type { NacosLink } from './nacos-link.js';
import type { ResolvedNacosOptions } from './options.js';
import { Placements } from './placements.js';

const MAX_BACKOFF_MS = 5_000;
const PAGE = 500;
/** So many services are asked for at once. */
const AT_ONCE = 32;
/** Every so many looks at the list, one service is read again, in turn: a push may have been lost. */
const RECHECK_EVERY = 5;

/**
 * All watches of one client. Nacos pushes the instances of a service to those who subscribed to it, and tells
 * nobody of new services: their names are listed again and again, and each is subscribed to.
 */
export class ServiceWatch {
  readonly #link: NacosLink;
  readonly #options: ResolvedNacosOptions;
  readonly #ledger: InstanceLedger;
  readonly #feeds = new Set<WatchFeed<InstanceChange>>();
  /** Feeds that have had no snapshot since the last doubt. */
  readonly #fresh = new Set<WatchFeed<InstanceChange>>();
  #placements: Placements;
  /** Services that the list does not name any more, and that have no instance. */
  readonly #gone: GoneSince;
  #pushed: Readonly<Record<string, unknown>>[] = [];
  #afterOutage = false;
  readonly #following: WhileWatched;
  #awake = new Deferred();

  constructor(scope: Scope, link: NacosLink, options: ResolvedNacosOptions, gone = new GoneSince()) {
    this.#gone = gone;
    this.#following = new WhileWatched(scope, (signal) => this.#run(signal));
    this.#link = link;
    this.#options = options;
    this.#ledger = new InstanceLedger({ graceMs: options.graceMs });
    this.#placements = new Placements(options.group);
  }

  add(observer: WatchObserver<InstanceChange>): Watch {
    const feed = new WatchFeed(observer, (closed) => this.#remove(closed));
    this.#feeds.add(feed);
    this.#fresh.add(feed);
    this.#following.begin();
    this.#awake.resolve();
    return feed;
  }

  close(): void {
    for (const feed of [...this.#feeds]) feed.close();
  }

  #remove(feed: WatchFeed<InstanceChange>): void {
    this.#feeds.delete(feed);
    this.#fresh.delete(feed);
    if (this.#feeds.size > 0) return;
    this.#following.end();
    this.#awake.resolve();
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        const connection = await this.#link.connection();
        if (signal.aborted) return;
        await this.#readAll(connection);
        failures = 0;
        await this.#follow(connection, signal);
      } catch (error) {
        if (signal.aborted) return;
        this.#afterOutage = true;
        for (const feed of this.#feeds) feed.error(error as Error);
        await sleep(backoffMs(failures, MAX_BACKOFF_MS), signal);
      }
    }
  }

  async #readAll(connection: NacosConnection): Promise<void> {
    this.#placements = new Placements(this.#options.group);
    this.#pushed = [];
    connection.listen((body) => {
      this.#pushed.push(body);
      this.#awake.resolve();
    });
    void connection.lost.promise.then(() => this.#awake.resolve());
    await this.#subscribe(connection, await this.#list(connection), () => {});
    this.#ledger.replace(this.#placements.records(), this.#afterOutage);
    this.#afterOutage = false;
    for (const feed of this.#feeds) this.#fresh.add(feed);
    this.#tellFresh();
  }

  async #follow(connection: NacosConnection, signal: AbortSignal): Promise<void> {
    const { listMs } = this.#options;
    let looks = 0;
    for (let looked = performance.now(); !signal.aborted; ) {
      await this.#rest(connection, signal, looked + listMs - performance.now());
      if (signal.aborted) return;
      for (const body of this.#pushed.splice(0)) this.#tell(this.#take(body.serviceInfo)?.change);
      this.#tellFresh();
      if (performance.now() < looked + listMs) continue;
      await this.#look(connection, ++looks);
      looked = performance.now();
    }
  }

  /** Until something is pushed, somebody new watches, the connection is lost, or it is time to look. */
  async #rest(connection: NacosConnection, signal: AbortSignal, ms: number): Promise<void> {
    const rested = new AbortController();
    await Promise.race([this.#awake.promise, sleep(Math.max(ms, 0), rested.signal)]);
    rested.abort();
    if (!signal.aborted) this.#awake = new Deferred();
    if (connection.why === undefined || signal.aborted) return;
    throw new ColorwayError(
      'COLORWAY_DIRECTORY_FAILED',
      `The connection to Nacos at ${connection.address} (gRPC) is lost: ${connection.why.message}.`,
      { cause: connection.why },
    );
  }

  /** New names are subscribed to, and what seems to be wrong is read again. */
  async #look(connection: NacosConnection, looks: number): Promise<void> {
    const listed = await this.#list(connection);
    const known = this.#placements.services();
    const unlisted = known.filter((service) => !listed.has(service) && this.#placements.size(service) > 0);
    const doubtful =
      looks % RECHECK_EVERY === 0 && known.length > 0 ? [known[(looks / RECHECK_EVERY) % known.length]] : [];
    const unknown = [...listed].filter((service) => !this.#placements.has(service));
    const doubted = new Set([...unknown, ...unlisted, ...(doubtful as string[])]);
    await this.#subscribe(connection, doubted, (change) => this.#tell(change));
    await this.#forgetGone(connection, listed);
    this.#tell(this.#ledger.takeOverdue());
    for (const feed of this.#feeds) if (!this.#fresh.has(feed)) feed.current();
  }

  /** One that came back before is pushed at once; after a day the list will name it. */
  async #forgetGone(connection: NacosConnection, listed: ReadonlySet<string>): Promise<void> {
    for (const service of this.#placements.services()) {
      if (listed.has(service) || this.#placements.size(service) > 0) this.#gone.back(service);
      else this.#gone.gone(service);
    }
    const { namespace, group } = this.#options;
    for (const service of this.#gone.takeForgotten()) {
      if (!this.#placements.has(service)) continue; // of a connection before
      this.#placements.forget(service);
      const fields = { namespace, groupName: group, serviceName: service, subscribe: false, clusters: '' };
      await connection.request('SubscribeServiceRequest', fields);
    }
  }

  async #list(connection: NacosConnection): Promise<ReadonlySet<string>> {
    const { namespace, group } = this.#options;
    const names = new Set<string>();
    for (let pageNo = 1; ; pageNo++) {
      const fields = { namespace, groupName: group, serviceName: '', selector: '', pageNo, pageSize: PAGE };
      const { count, serviceNames } = await connection.request('ServiceListRequest', fields);
      if (!Array.isArray(serviceNames)) throw unreadable(connection, 'serviceNames');
      for (const name of serviceNames) {
        const [inGroup, service] = groupAndName(textOf(name), group);
        if (inGroup === group && service !== '' && isUsableName(service, 'Nacos')) names.add(service);
      }
      if (serviceNames.length === 0 || pageNo * PAGE >= numberOf(count)) return names;
    }
  }

  async #subscribe(
    connection: NacosConnection,
    services: ReadonlySet<string>,
    tell: (change: InstanceChange | undefined) => void,
  ): Promise<void> {
    const { namespace, group } = this.#options;
    const waiting = [...services];
    const one = async () => {
      for (let service = waiting.pop(); service !== undefined; service = waiting.pop()) {
        const fields = { namespace, groupName: group, serviceName: service, subscribe: true, clusters: '' };
        const { serviceInfo } = await connection.request('SubscribeServiceRequest', fields);
        const read = this.#take(serviceInfo, service);
        if (read === undefined) throw unreadable(connection, 'serviceInfo');
        tell(read.change);
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, waiting.length) }, one));
  }

  /** Takes the instances of a service; `undefined` for what is none. */
  #take(info: unknown, expected?: string): { readonly change: InstanceChange | undefined } | undefined {
    if (typeof info !== 'object' || info === null) return undefined;
    const { name, groupName, hosts } = info as Readonly<Record<string, unknown>>;
    const { group } = this.#options;
    const [inGroup, told] = groupAndName(textOf(name), textOf(groupName) || group);
    const service = expected ?? told;
    if (inGroup !== group || service === '') return undefined;
    const changed = this.#placements.replace(service, Array.isArray(hosts) ? hosts : []);
    return { change: this.#ledger.update(changed) };
  }

  #tellFresh(): void {
    for (const feed of this.#fresh) feed.next({ kind: 'snapshot', instances: this.#ledger.all() });
    this.#fresh.clear();
  }

  #tell(change: InstanceChange | undefined): void {
    if (change === undefined) return;
    for (const feed of this.#feeds) if (!this.#fresh.has(feed)) feed.next(change);
  }
}

function textOf(json: unknown): string {
  return typeof json === 'string' ? json : '';
}

/** Nacos writes `group@@name` in some places, and the name alone in others. */
function groupAndName(text: string, group: string): [string, string] {
  const at = text.indexOf('@@');
  return at < 0 ? [group, text] : [text.slice(0, at), text.slice(at + 2)];
}

function unreadable(connection: NacosConnection, what: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_DIRECTORY_FAILED',
    `Nacos at ${connection.address} (gRPC) has answered without ${what}. Check that it is a Nacos server.`,
  );
}
