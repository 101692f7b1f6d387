import type { Scope } from '@colorway/core/background';

/** What a directory does while anybody watches it. It begins again only when the one before has ended: that may still wait for an answer. */
export class WhileWatched {
  readonly #scope: Scope;
  readonly #follow: (signal: AbortSignal) => Promise<void>;
  #following: Scope | undefined;
  #ended = Promise.resolve();

  /** @param scope of the directory. @param follow ends when its signal is aborted. */
  constructor(scope: Scope, follow: (signal: AbortSignal) => Promise<void>) {
    this.#scope = scope;
    this.#follow = follow;
  }

  /** Somebody watches. @throws ColorwayError `COLORWAY_CLOSED` */
  begin(): void {
    if (this.#following !== undefined) return;
    const before = this.#ended;
    this.#following = this.#scope.child('watches');
    this.#following.spawn('follow', async (signal) => {
      await before;
      await this.#follow(signal);
    });
  }

  /** Nobody watches any more. */
  end(): void {
    if (this.#following !== undefined) this.#ended = this.#following.dispose();
    this.#following = undefined;
  }
}
