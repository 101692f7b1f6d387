import type { Watch, WatchObserver } from '@colorway/core';
import { WatchFeed } from '../watch-feed.js';
import type { Connection } from './connection.js';

const CURRENT_EVERY_MS = 250;

/** All who watch one half, each with its own way to see a snapshot and a change of a single thing. */
export class Watchers<Change, Event> {
  readonly #connection: Connection;
  readonly #scopes = new Map<WatchFeed<Change>, Scope<Change, Event>>();
  #timer: NodeJS.Timeout | undefined;

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.onChange((error) => {
      for (const [feed, { snapshot }] of this.#scopes) {
        if (error === undefined) feed.next(snapshot());
        else feed.error(error);
      }
    });
  }

  add(observer: WatchObserver<Change>, scope: Scope<Change, Event>): Watch {
    const feed = new WatchFeed(observer, (closed) => this.#remove(closed));
    this.#scopes.set(feed, scope);
    this.#timer ??= setInterval(() => this.#current(), CURRENT_EVERY_MS).unref();
    const refusal = this.#connection.refusal();
    if (refusal !== undefined) feed.error(refusal);
    if (this.#connection.up) feed.next(scope.snapshot());
    return feed;
  }

  /** While the line is cut nobody hears of it; the snapshot that follows the mending tells. */
  tell(event: Event): void {
    if (!this.#connection.up) return;
    for (const [feed, { change }] of this.#scopes) {
      const seen = change(event);
      if (seen !== undefined) feed.next(seen);
    }
  }

  #current(): void {
    if (!this.#connection.up) return;
    for (const feed of this.#scopes.keys()) feed.current();
  }

  #remove(feed: WatchFeed<Change>): void {
    this.#scopes.delete(feed);
    if (this.#scopes.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

interface Scope<Change, Event> {
  snapshot(): Change;
  /** `undefined` for an event outside of what is watched. */
  change(event: Event): Change | undefined;
}
