import type { Watch } from '@colorway/core';

interface Opened {
  readonly feed: Watch;
  /** Ends what feeds it. */
  stop(): void;
}

/** The open watches of one directory, so that closing it ends them. */
export class Watches {
  readonly #open = new Set<Watch>();

  /** `open` is called at once; when the feed that it makes is closed, what feeds it is ended. */
  add(open: (onClose: () => void) => Opened): Watch {
    const opened = open(() => {
      this.#open.delete(opened.feed);
      opened.stop();
    });
    this.#open.add(opened.feed);
    return opened.feed;
  }

  close(): void {
    for (const feed of [...this.#open]) feed.close();
  }
}
