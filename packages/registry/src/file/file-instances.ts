import { rename, unlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ColorwayError,
  type InstanceChange,
  type InstanceRecord,
  type InstanceStore,
  quote,
  type Watch,
  type WatchObserver,
} from '@colorway/core';
import type { Scope } from '@colorway/core/background';
import { WatchFeed } from '../watch-feed.js';
import { type Folder, failedWith } from './folder.js';
import { FolderPoll, type Look } from './folder-poll.js';
import { formatInstanceFile, instanceFileName } from './instance-file.js';
import { InstanceScan } from './instance-scan.js';
import { Turns } from './turns.js';

/** The lease of an instance that this process registered. */
interface Lease {
  readonly leaseMs: number;
  renewedAt: number;
  mtimeMs: number;
}

/** One file for each instance, written whole by renaming; its `mtime` is the heartbeat. */
export class FileInstances implements InstanceStore {
  readonly #scope: Scope;
  readonly #folder: Folder;
  readonly #pollMs: number;
  readonly #scan: InstanceScan;
  readonly #leases = new Map<string, Lease>();
  readonly #feeds = new Set<WatchFeed<InstanceChange>>();
  /** Feeds that have had no snapshot yet. */
  readonly #fresh = new Set<WatchFeed<InstanceChange>>();
  /** A poll that was closed may still be looking when the next one begins. */
  readonly #turns = new Turns();
  #known: ReadonlyMap<string, InstanceRecord> = new Map();
  #poll: FolderPoll | undefined;
  #closed = false;

  constructor(scope: Scope, folder: Folder, pollMs: number) {
    this.#scope = scope;
    this.#folder = folder;
    this.#pollMs = pollMs;
    this.#scan = new InstanceScan(folder);
  }

  async register(instance: InstanceRecord, leaseMs: number): Promise<void> {
    const text = formatInstanceFile({ record: instance, leaseMs });
    const { id } = instance;
    await this.#access(async () => {
      const temporary = this.#folder.temporaryFile();
      try {
        await writeFile(temporary, text, { flag: 'wx', mode: 0o600 });
        await rename(temporary, this.#path(id));
      } catch (error) {
        await unlink(temporary).catch(() => {});
        throw error;
      }
      this.#leases.set(id, { leaseMs, renewedAt: performance.now(), mtimeMs: 0 });
    });
  }

  async renew(id: string): Promise<void> {
    await this.#access(async () => {
      const lease = this.#leases.get(id);
      const now = performance.now();
      if (lease !== undefined && now - lease.renewedAt > lease.leaseMs) throw lost(id);
      // What counts is that it changes, so it does even while the wall clock stands still.
      const mtimeMs = Math.max(Date.now(), 0);
      const beat = mtimeMs === lease?.mtimeMs ? mtimeMs + 1 : mtimeMs;
      try {
        await utimes(this.#path(id), beat / 1_000, beat / 1_000);
      } catch (error) {
        throw failedWith(error, 'ENOENT') ? lost(id) : error;
      }
      if (lease === undefined) return;
      lease.renewedAt = now;
      lease.mtimeMs = beat;
    });
  }

  async deregister(id: string): Promise<void> {
    this.#leases.delete(id);
    await this.#access(async () => {
      await unlink(this.#path(id)).catch((error: unknown) => {
        if (!failedWith(error, 'ENOENT')) throw error;
      });
    });
  }

  watch(observer: WatchObserver<InstanceChange>): Watch {
    this.#mustBeOpen();
    const feed = new WatchFeed(observer, (closed) => this.#unwatch(closed));
    this.#feeds.add(feed);
    this.#fresh.add(feed);
    if (this.#poll === undefined) this.#poll = this.#startPoll();
    else this.#poll.soon();
    return feed;
  }

  close(): void {
    this.#closed = true;
    for (const feed of [...this.#feeds]) feed.close();
  }

  #startPoll(): FolderPoll {
    const poll: FolderPoll = new FolderPoll({
      scope: this.#scope,
      folder: this.#folder,
      path: this.#folder.instances,
      pollMs: this.#pollMs,
      look: (look) => this.#turns.take(() => this.#look(look, poll.intervalMs * 2)),
      failed: (error) => {
        for (const feed of this.#feeds) feed.error(error);
      },
    });
    return poll;
  }

  async #look(look: Look, maxStepMs: number): Promise<number | undefined> {
    const due = await this.#scan.look(look, maxStepMs);
    const known = this.#known;
    const live = this.#scan.takeChanged() ?? known;
    const put = live === known ? [] : [...live.values()].filter((record) => known.get(record.id) !== record);
    const removed = live === known ? [] : [...known.keys()].filter((id) => !live.has(id));
    const isChanged = put.length > 0 || removed.length > 0;
    this.#known = live;
    for (const feed of this.#feeds) {
      if (this.#fresh.delete(feed)) feed.next({ kind: 'snapshot', instances: [...live.values()] });
      else if (isChanged) feed.next({ kind: 'delta', put, removed });
      else if (look.names === 'all') feed.current();
    }
    return due;
  }

  #unwatch(feed: WatchFeed<InstanceChange>): void {
    this.#feeds.delete(feed);
    this.#fresh.delete(feed);
    if (this.#feeds.size > 0) return;
    this.#poll?.close();
    this.#poll = undefined;
  }

  async #access(work: () => Promise<void>): Promise<void> {
    this.#mustBeOpen();
    await this.#folder.ready();
    try {
      await work();
    } catch (error) {
      throw this.#folder.failed(error);
    }
  }

  #mustBeOpen(): void {
    if (this.#closed)
      throw new ColorwayError('COLORWAY_CLOSED', 'The file directory is closed. Make a new one.');
  }

  #path(id: string): string {
    return join(this.#folder.instances, instanceFileName(id));
  }
}

function lost(id: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_LEASE_LOST',
    `Instance ${quote(id)} is not in the directory. Register it again.`,
  );
}
