import { randomBytes } from 'node:crypto';
import type {
  InstanceChange,
  InstanceRecord,
  StateChange,
  StateEntry,
  Watch,
  WatchObserver,
} from '@colorway/core';
import { backoffMs, Deferred, type Scope, sleep } from '@colorway/core/background';
import { InstanceLedger } from '../instance-ledger.js';
import { WatchFeed } from '../watch-feed.js';
import { WhileWatched } from '../while-watched.js';
import type { ResolvedRedisOptions } from './options.js';
import type { RedisConnection } from './redis-connection.js';
import { type RedisKeySpace, unreadable } from './redis-key-space.js';
import type { RedisLink } from './redis-link.js';
import { Revisions } from './revisions.js';
import { SWEEP } from './scripts.js';
import { contestedIds, parseStoredInstance } from './stored-instance.js';
import { entryOf, listState } from './stored-state.js';

const MAX_BACKOFF_MS = 5_000;
const MANY = 1_000;

/**
 * All watches of one directory. Changes come as messages that name what changed, and are then read; at times
 * the server is asked how far it is, which shows messages that were missed, data that was lost, and leases that
 * are over. After every doubt all is read anew.
 */
export class ChangeTracker {
  readonly #link: RedisLink;
  readonly #space: RedisKeySpace;
  readonly #pollMs: number;
  readonly #ledger: InstanceLedger;
  readonly #revisions = new Revisions();
  readonly #instanceFeeds = new Set<WatchFeed<InstanceChange>>();
  readonly #stateFeeds = new Map<WatchFeed<StateChange>, string>();
  /** Feeds that have had no snapshot since the last doubt. */
  readonly #fresh = new Set<WatchFeed<InstanceChange> | WatchFeed<StateChange>>();
  #afterOutage = false;
  readonly #following: WhileWatched;
  #awake = new Deferred();

  constructor(scope: Scope, link: RedisLink, space: RedisKeySpace, options: ResolvedRedisOptions) {
    this.#following = new WhileWatched(scope, (signal) => this.#run(signal));
    this.#link = link;
    this.#space = space;
    this.#pollMs = options.pollMs;
    this.#ledger = new InstanceLedger({ graceMs: options.graceMs });
  }

  watchInstances(observer: WatchObserver<InstanceChange>): Watch {
    const feed = new WatchFeed(observer, (closed) => this.#remove(closed));
    this.#instanceFeeds.add(feed);
    return this.#added(feed);
  }

  watchState(prefix: string, observer: WatchObserver<StateChange>): Watch {
    const feed = new WatchFeed(observer, (closed) => this.#remove(closed));
    this.#stateFeeds.set(feed, prefix);
    return this.#added(feed);
  }

  close(): void {
    for (const feed of this.#feeds()) feed.close();
  }

  #added(feed: WatchFeed<InstanceChange> | WatchFeed<StateChange>): Watch {
    this.#fresh.add(feed);
    this.#following.begin();
    this.#awake.resolve();
    return feed;
  }

  #remove(feed: WatchFeed<InstanceChange> | WatchFeed<StateChange>): void {
    this.#instanceFeeds.delete(feed as WatchFeed<InstanceChange>);
    this.#stateFeeds.delete(feed as WatchFeed<StateChange>);
    this.#fresh.delete(feed);
    if (this.#instanceFeeds.size + this.#stateFeeds.size > 0) return;
    this.#following.end();
    this.#awake.resolve();
  }

  #feeds(): (WatchFeed<InstanceChange> | WatchFeed<StateChange>)[] {
    return [...this.#instanceFeeds, ...this.#stateFeeds.keys()];
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; failures++) {
      try {
        await this.#link.run((connection) =>
          this.#follow(connection, signal, () => {
            failures = 0;
          }),
        );
      } catch (error) {
        if (signal.aborted) return;
        this.#afterOutage = true;
        for (const feed of this.#feeds()) feed.error(error as Error);
        await sleep(backoffMs(failures, MAX_BACKOFF_MS), signal);
      }
    }
  }

  async #follow(connection: RedisConnection, signal: AbortSignal, answered: () => void): Promise<void> {
    this.#revisions.reset();
    const unsubscribe = await connection.subscribe(this.#space.channel, (message) => {
      if (signal.aborted) return;
      this.#revisions.hear(message);
      this.#awake.resolve();
    });
    void connection.lost.promise.then(() => this.#awake.resolve());
    try {
      let restMs = await this.#readAll(connection);
      answered();
      for (let asked = performance.now(); !signal.aborted; ) {
        await this.#rest(connection, signal, asked + Math.min(this.#pollMs, restMs) - performance.now());
        if (signal.aborted) return;
        if (this.#revisions.hasGap) {
          restMs = await this.#readAll(connection);
        } else {
          await this.#readChanges(connection);
          await this.#readFresh(connection);
          if (performance.now() < asked + Math.min(this.#pollMs, restMs)) continue;
          restMs = await this.#ask(connection);
        }
        asked = performance.now();
        answered();
      }
    } finally {
      unsubscribe();
    }
  }

  /** Until something is heard, somebody new watches, the connection is lost, or it is time to ask. */
  async #rest(connection: RedisConnection, signal: AbortSignal, ms: number): Promise<void> {
    const rested = new AbortController();
    await Promise.race([this.#awake.promise, sleep(Math.max(ms, 0), rested.signal)]);
    rested.abort();
    if (!signal.aborted) this.#awake = new Deferred();
    if (connection.why !== undefined) throw connection.why;
  }

  /** Asks how far the server is. The answer is when to ask again at the latest, in milliseconds from now. */
  async #ask(connection: RedisConnection): Promise<number> {
    const { revision, mark, restMs } = await this.#sweep(connection);
    const found = this.#revisions.check(revision, mark);
    if (found === 'lost') this.#afterOutage = true;
    if (found !== 'current') return this.#readAll(connection);
    this.#tell(this.#ledger.takeOverdue());
    for (const feed of this.#feeds()) if (!this.#fresh.has(feed)) feed.current();
    return restMs;
  }

  async #readAll(connection: RedisConnection): Promise<number> {
    this.#revisions.reset();
    const { revision, mark, restMs } = await this.#sweep(connection);
    this.#revisions.begin(revision, mark);
    const { instances } = this.#space;
    const all = await connection.send('HVALS', instances);
    if (!Array.isArray(all)) throw unreadable(connection, all);
    const records = all.flatMap((stored) => parseStoredInstance(stored, instances) ?? []);
    const contested = contestedIds(records);
    const owners = contested.length === 0 ? [] : await this.#owners(connection, contested);
    const others = new Set(contested);
    this.#ledger.replace([...records.filter(({ id }) => !others.has(id)), ...owners], this.#afterOutage);
    for (const feed of this.#feeds()) this.#fresh.add(feed);
    await this.#readFresh(connection);
    this.#afterOutage = false;
    return restMs;
  }

  async #readFresh(connection: RedisConnection): Promise<void> {
    for (const feed of this.#fresh) {
      const prefix = this.#stateFeeds.get(feed as WatchFeed<StateChange>);
      if (prefix === undefined) {
        (feed as WatchFeed<InstanceChange>).next({ kind: 'snapshot', instances: this.#ledger.all() });
      } else {
        const entries = await listState(connection, this.#space, prefix);
        (feed as WatchFeed<StateChange>).next({ kind: 'snapshot', entries });
      }
      this.#fresh.delete(feed);
    }
  }

  async #readChanges(connection: RedisConnection): Promise<void> {
    const { keys, ids } = this.#revisions.takeChanges();
    if (ids.size > 0) this.#tell(await this.#changedInstances(connection, ids));
    const watched = [...keys].filter((key) =>
      [...this.#stateFeeds.values()].some((it) => key.startsWith(it)),
    );
    if (watched.length === 0) return;
    const stored = await this.#read(connection, this.#space.state, watched);
    for (const [feed, prefix] of this.#stateFeeds) {
      if (this.#fresh.has(feed)) continue;
      const put: StateEntry[] = [];
      const removed: string[] = [];
      for (const [index, key] of watched.entries()) {
        if (!key.startsWith(prefix)) continue;
        if (stored[index] === null) removed.push(key);
        else put.push(entryOf(connection, key, stored[index]));
      }
      if (put.length + removed.length > 0) feed.next({ kind: 'delta', put, removed });
    }
  }

  async #changedInstances(
    connection: RedisConnection,
    ids: ReadonlyMap<string, 'p' | 'l' | 'x'>,
  ): Promise<InstanceChange | undefined> {
    const names = [...ids.keys()];
    const stored = await this.#read(connection, this.#space.instances, names);
    const put: InstanceRecord[] = [];
    const left: string[] = [];
    const vanished: string[] = [];
    for (const [index, id] of names.entries()) {
      const record = parseStoredInstance(stored[index], this.#space.instances, id);
      if (record !== undefined) put.push(record);
      else if (ids.get(id) === 'x') vanished.push(id);
      else left.push(id);
    }
    return this.#ledger.update({ put, left, vanished });
  }

  /** Those that stand under their own ids. */
  async #owners(connection: RedisConnection, ids: readonly string[]): Promise<InstanceRecord[]> {
    const { instances } = this.#space;
    const stored = await this.#read(connection, instances, ids);
    return ids.flatMap((id, index) => parseStoredInstance(stored[index], instances, id) ?? []);
  }

  #tell(change: InstanceChange | undefined): void {
    if (change === undefined) return;
    for (const feed of this.#instanceFeeds) if (!this.#fresh.has(feed)) feed.next(change);
  }

  async #sweep(connection: RedisConnection) {
    const mark = randomBytes(9).toString('base64url');
    const answer = await this.#space.run(connection, SWEEP, this.#space.channel, mark);
    if (!Array.isArray(answer)) throw unreadable(connection, answer);
    const rest = Number(answer[2]);
    return {
      revision: Number(answer[0]),
      mark: String(answer[1]),
      // A clock that stands still for a moment must not make this a busy loop.
      restMs: rest < 0 ? this.#pollMs : Math.max(rest, 5),
    };
  }

  async #read(connection: RedisConnection, hash: string, names: readonly string[]): Promise<unknown[]> {
    const found: unknown[] = [];
    for (let from = 0; from < names.length; from += MANY) {
      const part = await connection.send('HMGET', hash, ...names.slice(from, from + MANY));
      if (!Array.isArray(part)) throw unreadable(connection, part);
      found.push(...part);
    }
    return found;
  }
}
