import { randomBytes } from 'node:crypto';
import {
  ColorwayError,
  type StateChange,
  type StateEntry,
  type StateStore,
  type Watch,
  type WatchObserver,
} from '@colorway/core';
import type { Scope } from '@colorway/core/background';
import { checkKey, checkValue } from '../state-key.js';
import { WatchFeed } from '../watch-feed.js';
import type { Folder } from './folder.js';
import { FolderPoll } from './folder-poll.js';
import type { Outcome, StateFold } from './state-fold.js';
import { StateLog } from './state-log.js';
import type { Attempt } from './state-record.js';
import { Turns } from './turns.js';

interface Watched {
  readonly prefix: string;
  /** Has had no snapshot yet. */
  fresh: boolean;
}

/** A key space kept in a {@link StateLog}. */
export class FileState implements StateStore {
  readonly #scope: Scope;
  readonly #folder: Folder;
  readonly #pollMs: number;
  readonly #log: StateLog;
  readonly #turns = new Turns();
  readonly #watched = new Map<WatchFeed<StateChange>, Watched>();
  #poll: FolderPoll | undefined;
  #closed = false;

  constructor(
    scope: Scope,
    folder: Folder,
    options: { readonly pollMs: number; readonly compactBytes: number },
  ) {
    this.#scope = scope;
    this.#folder = folder;
    this.#pollMs = options.pollMs;
    this.#log = new StateLog(folder, options.compactBytes);
  }

  async get(key: string): Promise<StateEntry | undefined> {
    checkKey(key);
    return this.#turn(async () => (await this.#log.read()).get(key));
  }

  async list(prefix: string): Promise<readonly StateEntry[]> {
    return this.#turn(async () => (await this.#log.read()).below(prefix));
  }

  async create(
    key: string,
    value: string,
  ): Promise<{ readonly created: boolean; readonly entry: StateEntry }> {
    checkValue(key, value);
    const { won, entry } = await this.#attempt({ op: 'create', id: attemptId(), key, value });
    return { created: won, entry: entry as StateEntry };
  }

  async compareAndSet(key: string, value: string, version: string): Promise<StateEntry | undefined> {
    checkValue(key, value);
    const { won, entry } = await this.#attempt({ op: 'set', id: attemptId(), key, value, expected: version });
    return won ? entry : undefined;
  }

  async compareAndDelete(key: string, version: string): Promise<boolean> {
    return (await this.#attempt({ op: 'delete', id: attemptId(), key, expected: version })).won;
  }

  watch(prefix: string, observer: WatchObserver<StateChange>): Watch {
    this.#mustBeOpen();
    const feed = new WatchFeed(observer, (closed) => this.#unwatch(closed));
    this.#watched.set(feed, { prefix, fresh: true });
    if (this.#poll === undefined) this.#poll = this.#startPoll();
    else this.#poll.soon();
    return feed;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const feed of [...this.#watched.keys()]) feed.close();
    await this.#turns.take(() => this.#log.close());
  }

  async #attempt(attempt: Attempt): Promise<Outcome> {
    checkKey(attempt.key);
    return this.#turn(() => this.#log.attempt(attempt));
  }

  /** One access to the log; whatever it brought to light is told to those who watch. */
  #turn<T>(work: () => Promise<T>): Promise<T> {
    this.#mustBeOpen();
    return this.#turns.take(async () => {
      this.#mustBeOpen();
      await this.#folder.ready();
      try {
        const outcome = await work();
        this.#publish();
        return outcome;
      } catch (error) {
        // What was read half is not told: it would take away all that the other half holds.
        throw this.#folder.failed(error);
      }
    });
  }

  #startPoll(): FolderPoll {
    return new FolderPoll({
      scope: this.#scope,
      folder: this.#folder,
      path: this.#folder.state,
      pollMs: this.#pollMs,
      look: async () => {
        if (this.#closed) return undefined;
        await this.#turn(async () => {
          const fold = await this.#log.read();
          this.#publish();
          for (const [feed, watched] of this.#watched) {
            if (watched.fresh) tellAll(feed, watched, fold);
            else feed.current();
          }
        });
        return undefined;
      },
      failed: (error) => {
        for (const feed of this.#watched.keys()) feed.error(error);
      },
    });
  }

  #publish(): void {
    const { fold } = this.#log;
    const changed = fold.takeChanged();
    const isReplaced = this.#log.takeReplaced();
    for (const [feed, watched] of this.#watched) {
      if (isReplaced && !watched.fresh) tellAll(feed, watched, fold);
      else if (!watched.fresh) tellChanged(feed, watched, fold, changed);
    }
  }

  #unwatch(feed: WatchFeed<StateChange>): void {
    this.#watched.delete(feed);
    if (this.#watched.size > 0) return;
    this.#poll?.close();
    this.#poll = undefined;
  }

  #mustBeOpen(): void {
    if (this.#closed)
      throw new ColorwayError('COLORWAY_CLOSED', 'The file directory is closed. Make a new one.');
  }
}

function tellAll(feed: WatchFeed<StateChange>, watched: Watched, fold: StateFold): void {
  watched.fresh = false;
  feed.next({ kind: 'snapshot', entries: fold.below(watched.prefix) });
}

function tellChanged(
  feed: WatchFeed<StateChange>,
  watched: Watched,
  fold: StateFold,
  changed: ReadonlySet<string>,
): void {
  const keys = [...changed].filter((key) => key.startsWith(watched.prefix));
  if (keys.length === 0) return;
  const put = keys.map((key) => fold.get(key)).filter((entry) => entry !== undefined);
  const removed = keys.filter((key) => fold.get(key) === undefined);
  feed.next({ kind: 'delta', put, removed });
}

/** Unlike any other, in all processes and for ever. */
function attemptId(): string {
  return randomBytes(12).toString('base64url');
}
