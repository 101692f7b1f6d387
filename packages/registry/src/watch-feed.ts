import type { Watch, WatchObserver } from '@colorway/core';
import { callSafely, defaultReporter } from '@colorway/core/background';

/**
 * The adapter's end of one watch. Keeps the promises that `WatchObserver` makes: calls come in order, one
 * at a time, never before `watch` has returned, never after `close`. Each is a microtask of its own. What an
 * observer throws is reported once, and takes nothing from later calls and from other observers.
 */
export class WatchFeed<Change> implements Watch {
  readonly #observer: WatchObserver<Change>;
  readonly #onClose: (feed: WatchFeed<Change>) => void;
  #closed = false;

  constructor(observer: WatchObserver<Change>, onClose: (feed: WatchFeed<Change>) => void) {
    this.#observer = observer;
    this.#onClose = onClose;
  }

  next(change: Change): void {
    this.#call((observer) => observer.next(change));
  }

  current(): void {
    this.#call((observer) => observer.current());
  }

  error(error: Error): void {
    this.#call((observer) => observer.error(error));
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#onClose(this);
  }

  #call(tell: (observer: WatchObserver<Change>) => void): void {
    queueMicrotask(() => {
      if (this.#closed) return;
      callSafely(defaultReporter(), 'The observer of a watch of the directory', () => tell(this.#observer));
    });
  }
}
