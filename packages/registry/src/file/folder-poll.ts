import { type FSWatcher, watch } from 'node:fs';
import type { Scope } from '@colorway/core/background';
import type { Folder } from './folder.js';

/** What one look at a folder should cover. */
export interface Look {
  /** The file names that the system told of; `all` when the folder has to be read whole. */
  readonly names: ReadonlySet<string> | 'all';
  /** Which folder it is, see {@link Folder.identify}. */
  readonly identity: string;
}

export interface FolderPollOptions {
  /** Of the directory. */
  readonly scope: Scope;
  readonly folder: Folder;
  /** The folder inside it that is looked at. */
  readonly path: string;
  readonly pollMs: number;
  /** Resolves with the milliseconds after which the next look at all is due, if sooner than the next poll. */
  readonly look: (look: Look) => Promise<number | undefined>;
  readonly failed: (error: Error) => void;
}

/** Changes that come together are looked at together. */
const GATHER_MS = 5;
/** A system that tells of changes is asked that much less often. */
const RELAXED = 4;

/**
 * Looks at a folder whenever the system tells of a change (`fs.watch`), and every `pollMs` in any case:
 * network and container mounts may tell nothing. Once the system has told something, every fourth poll
 * suffices. Looks never overlap. Goes on after every failure, and watches anew when the folder was made anew.
 */
export class FolderPoll {
  readonly #options: FolderPollOptions;
  readonly #scope: Scope;
  #names = new Set<string>();
  #watcher: { readonly fs: FSWatcher; readonly identity: string } | undefined;
  #told = false;
  #nextAll = 0;
  #looking = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FolderPollOptions) {
    this.#options = options;
    this.#scope = options.scope.child(`poll of ${options.path}`);
    this.#arm(0);
  }

  /** The longest time between two looks at all. */
  get intervalMs(): number {
    return this.#told ? this.#options.pollMs * RELAXED : this.#options.pollMs;
  }

  /** Asks for a look at all as soon as possible. */
  soon(): void {
    this.#nextAll = 0;
    this.#arm(0);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#unwatch();
    void this.#scope.dispose(); // Never rejects; whoever closes the directory waits for it.
  }

  async #look(): Promise<void> {
    this.#looking = true;
    const all = performance.now() >= this.#nextAll;
    const names = this.#names;
    this.#names = new Set();
    if (all) this.#nextAll = performance.now() + this.intervalMs; // `soon` may bring it forward meanwhile
    try {
      const { folder, path, look } = this.#options;
      await folder.ready();
      const identity = await folder.identify(path);
      this.#watch(identity);
      const due = await look({ names: all ? 'all' : names, identity });
      if (due !== undefined) this.#nextAll = Math.min(this.#nextAll, performance.now() + due);
    } catch (error) {
      this.#unwatch();
      this.#nextAll = performance.now() + this.#options.pollMs;
      if (!this.#scope.isDisposed) this.#options.failed(this.#options.folder.failed(error));
    }
    this.#looking = false;
    this.#arm(this.#names.size > 0 ? GATHER_MS : this.#nextAll - performance.now());
  }

  #arm(ms: number): void {
    if (this.#scope.isDisposed || this.#looking) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#scope.spawn('look', () => this.#look()), Math.max(1, ms)).unref();
  }

  /** Before the folder is read, so that nothing falls between. */
  #watch(identity: string): void {
    if (this.#scope.isDisposed || this.#watcher?.identity === identity) return;
    this.#unwatch();
    try {
      const fs = watch(this.#options.path, { persistent: false }, (_event, name) => this.#hear(name));
      fs.on('error', () => this.#unwatch());
      this.#watcher = { fs, identity };
    } catch {
      // The system has no more watches to give: the poll does it alone.
    }
  }

  #unwatch(): void {
    this.#watcher?.fs.close();
    this.#watcher = undefined;
    this.#told = false;
  }

  #hear(name: string | null): void {
    this.#told = true;
    if (name === null) this.#nextAll = 0;
    const first = this.#names.size === 0;
    this.#names.add(name ?? '');
    if (first) this.#arm(GATHER_MS);
  }
}
