import type { Watch } from '@colorway/core';
import type { Scope } from '@colorway/core/background';

/** The open watches of one directory. Each has a scope, which owns what feeds it, and ends with it. */
export class Watches {
  readonly #scope: Scope;
  readonly #open = new Set<Watch>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /**
   * `open` is called at once; when the feed that it makes is closed, what feeds it is ended.
   * @throws ColorwayError `COLORWAY_CLOSED`
   */
  add(name: string, open: (scope: Scope, onClose: () => void) => Watch): Watch {
    const scope = this.#scope.child(name);
    const feed = open(scope, () => {
      this.#open.delete(feed);
      void scope.dispose(); // Never rejects; whoever closes the directory waits for it.
    });
    this.#open.add(feed);
    return feed;
  }

  /** Resolves when nothing of them goes on. */
  async close(): Promise<void> {
    for (const feed of [...this.#open]) feed.close();
    await this.#scope.dispose();
  }
}
