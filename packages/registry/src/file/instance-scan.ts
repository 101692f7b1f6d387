import { constants, type Stats } from 'node:fs';
import { link, lstat, readdir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type InstanceRecord, warnOnce } from '@colorway/core';
import { type Folder, failedWith } from './folder.js';
import type { Look } from './folder-poll.js';
import { type InstanceFile, MAX_INSTANCE_BYTES, parseInstanceFile } from './instance-file.js';
import { ObservedClock } from './observed-clock.js';

/** One file as this process has seen it. */
interface Seen {
  readonly identity: string;
  /** `undefined` for what is no instance. */
  readonly file: InstanceFile | undefined;
  readonly mtimeMs: number;
  /** When its heartbeat was last seen to change, in observed time. */
  readonly beatAt: number;
  readonly live: boolean;
}

/** How far the clocks of a file system and of this process may differ. */
const CLOCK_TOLERANCE_MS = 1_000;
const PARALLEL = 16;

/**
 * Which instances are alive, judged from the files alone. A heartbeat is a *change* of a file's `mtime`;
 * what it says does not count, so that a wall clock may jump. An instance is gone when its file is gone, or
 * when no heartbeat was seen for its lease. A file that looks too old, or from the future, when it is first
 * seen is not live until its heart has been seen to beat.
 */
export class InstanceScan {
  readonly #folder: Folder;
  readonly #clock = new ObservedClock();
  readonly #seen = new Map<string, Seen>();
  #identity: string | undefined;
  #changed = true;

  constructor(folder: Folder) {
    this.#folder = folder;
  }

  /** The live instances by id, if there was a change since the last call. */
  takeChanged(): ReadonlyMap<string, InstanceRecord> | undefined {
    if (!this.#changed) return undefined;
    this.#changed = false;
    const live = new Map<string, InstanceRecord>();
    for (const { file, live: isLive } of this.#seen.values()) {
      if (isLive && file !== undefined) live.set(file.record.id, file.record);
    }
    return live;
  }

  /** Looks at the files; resolves with the milliseconds until the next lease may run out. */
  async look({ names, identity }: Look, maxStepMs: number): Promise<number | undefined> {
    // Taken before the files are looked at: what beats during the look is heard by the next one.
    const now = this.#clock.advance(maxStepMs);
    if (names === 'all') await this.#lookAtAll(identity, now);
    else await inParallel(names, (name) => this.#lookAt(name, now));
    return this.#judge(now, names === 'all' ? this.#seen.keys() : names, names === 'all');
  }

  async #lookAtAll(identity: string, now: number): Promise<void> {
    const names = new Set(await readdir(this.#folder.instances));
    // A folder that was removed and made anew says nothing yet of those who have not come back to it.
    const isAnew = this.#identity !== undefined && this.#identity !== identity;
    this.#identity = identity;
    for (const [name, seen] of this.#seen) {
      if (names.has(name)) continue;
      if (isAnew && seen.file !== undefined) this.#keep(name, { ...seen, identity: MISSING, beatAt: now });
      else if (seen.identity !== MISSING) this.#drop(name);
    }
    await inParallel(names, (name) => this.#lookAt(name, now));
  }

  async #lookAt(name: string, now: number): Promise<void> {
    if (!name.endsWith('.json')) return;
    const path = join(this.#folder.instances, name);
    try {
      // A link is no instance, and where it leads may fail in ways that say nothing of the folder.
      const found = await lstat(path);
      const seen = this.#seen.get(name);
      if (seen === undefined || seen.identity !== identify(found)) {
        this.#keep(name, await this.#read(name, path, found, now, seen));
      } else if (seen.mtimeMs !== found.mtimeMs) {
        this.#keep(name, { ...seen, mtimeMs: found.mtimeMs, beatAt: now, live: true });
      }
    } catch (error) {
      if (!failedWith(error, 'ENOENT')) throw error;
      if (await this.#isGone(path)) this.#dropUnlessMissing(name);
    }
  }

  /**
   * Whether the file alone is gone. A folder that goes away in the middle of a look is an outage, which
   * says nothing of its instances (law 6).
   * @throws the file system's ENOENT of the folder
   */
  async #isGone(path: string): Promise<boolean> {
    await stat(this.#folder.instances);
    return lstat(path).then(
      () => false,
      (error: unknown) => failedWith(error, 'ENOENT'),
    );
  }

  #dropUnlessMissing(name: string): void {
    if (this.#seen.get(name)?.identity !== MISSING) this.#drop(name);
  }

  async #read(
    name: string,
    path: string,
    found: Stats,
    now: number,
    before: Seen | undefined,
  ): Promise<Seen> {
    const isReadable = found.isFile() && found.size <= MAX_INSTANCE_BYTES;
    const file = isReadable
      ? parseInstanceFile(name, await readFile(path, READING).catch(nothingIfForbidden))
      : undefined;
    const common = { identity: identify(found), file, mtimeMs: found.mtimeMs };
    if (file === undefined) {
      warnOnce(
        'COLORWAY_INSTANCE_FILE_UNREADABLE',
        `The file ${JSON.stringify(path)} is no instance and is left out. Remove it. Further ones are left out without a report.`,
      );
      return { ...common, beatAt: now, live: false };
    }
    // A file in the place of one that was seen is a fresh registration; otherwise the wall clock must do.
    const ageMs = before === undefined ? Date.now() - found.mtimeMs : 0;
    const live = ageMs > -CLOCK_TOLERANCE_MS && ageMs < file.leaseMs + CLOCK_TOLERANCE_MS;
    const silentMs = live ? Math.min(Math.max(0, ageMs), file.leaseMs) : 0;
    return { ...common, beatAt: now - silentMs, live };
  }

  #keep(name: string, seen: Seen): void {
    const before = this.#seen.get(name);
    if (before?.file !== seen.file || before?.live !== seen.live) this.#changed = true;
    this.#seen.set(name, seen);
  }

  #drop(name: string): void {
    if (this.#seen.delete(name)) this.#changed = true;
  }

  /** Only a look at all has asked each file before it is judged. */
  async #judge(now: number, names: Iterable<string>, judges: boolean): Promise<number | undefined> {
    let next: number | undefined;
    for (const name of names) {
      const seen = this.#seen.get(name);
      if (seen?.file === undefined) continue;
      const rest = seen.beatAt + seen.file.leaseMs - now;
      if (rest <= 0 && judges) {
        this.#drop(name);
        await this.#remove(name, seen);
      } else {
        next = Math.min(next ?? Number.POSITIVE_INFINITY, Math.max(1, Math.ceil(rest)));
      }
    }
    return next;
  }

  /** Moves the file away first, and puts it back when it is not the one that was judged. */
  async #remove(name: string, seen: Seen): Promise<void> {
    if (seen.identity === MISSING) return;
    const path = join(this.#folder.instances, name);
    const aside = this.#folder.temporaryFile();
    try {
      await rename(path, aside);
      const found = await stat(aside);
      if (found.mtimeMs !== seen.mtimeMs || identify(found) !== seen.identity) await link(aside, path);
    } catch (error) {
      if (!failedWith(error, 'ENOENT') && !failedWith(error, 'EEXIST')) throw error;
    } finally {
      await unlink(aside).catch(() => {});
    }
  }
}

/** Stands for the file of an instance whose folder was made anew. */
const MISSING = 'missing';

/** Changes when a registration replaces the file; a heartbeat leaves it. */
function identify({ ino, size, birthtimeMs }: Stats): string {
  return `${ino}:${size}:${birthtimeMs}`;
}

/** What has become a link in the meantime is not followed. */
const READING = { encoding: 'utf8', flag: constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) } as const;

function nothingIfForbidden(error: unknown): string {
  if (failedWith(error, 'EACCES') || failedWith(error, 'ELOOP')) return '';
  throw error;
}

async function inParallel(names: Iterable<string>, work: (name: string) => Promise<void>): Promise<void> {
  const rest = names[Symbol.iterator]();
  const worker = async () => {
    for (let next = rest.next(); !next.done; next = rest.next()) await work(next.value);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}
