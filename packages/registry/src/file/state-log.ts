import { constants } from 'node:fs';
import { type FileHandle, link, open, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { ColorwayError, warnOnce } from '@colorway/core';
import { flush, flushData, flushFolder } from './flush.js';
import { type Folder, failedWith } from './folder.js';
import { LogReader } from './log-reader.js';
import { type Outcome, StateFold } from './state-fold.js';
import { type Attempt, formatLogRecord, parseLogRecord } from './state-record.js';

interface OpenLog {
  readonly number: number;
  readonly file: FileHandle;
  readonly identity: string;
  readonly reader: LogReader;
  /** Where the entries end that it began with, in bytes. */
  entriesEndAt: number;
  hasAttempts: boolean;
  isSealed: boolean;
}

/** Somebody seals and goes on while we follow: this often in a row means that something is wrong. */
const MAX_HOPS = 100;

/**
 * The state as a log that any number of processes append to, `state.<n>.log`. Each write is one `write(2)`
 * in append mode of an attempt, which a local file system keeps whole and in one order for all; who wants to
 * know whether his attempt had an effect reads the log up to it. There are no locks, so nobody who dies holds
 * one.
 *
 * A log that has grown is compacted: somebody appends a seal, and behind the first seal nothing counts. The
 * next log begins with the entries of the sealed one; whoever finds it missing makes it, whole, with `link`,
 * which lets one of them win; what the others made says the same. The highest number is the log in force.
 *
 * Not for concurrent use: its user takes turns.
 */
export class StateLog {
  readonly #folder: Folder;
  readonly #compactBytes: number;
  #fold = new StateFold();
  #log: OpenLog | undefined;
  /** Whether this process has read a log before; then there being none means that it was removed. */
  #hasRead = false;
  #replaced = true;
  #awaited: { readonly id: string; outcome: Outcome | undefined } | undefined;

  constructor(folder: Folder, compactBytes: number) {
    this.#folder = folder;
    this.#compactBytes = compactBytes;
  }

  /** The state as far as it has been read. */
  get fold(): StateFold {
    return this.#fold;
  }

  /** The state after every record that was whole when this was called. */
  async read(): Promise<StateFold> {
    for (let hops = 0; hops < MAX_HOPS; hops++) {
      this.#log ??= await this.#openHighest();
      const log = this.#log;
      await this.#drain(log);
      if (log.isSealed) await this.#advance(log);
      else if (await this.#isInPlace(log)) return this.#fold;
      else await this.#leave(log);
    }
    throw new ColorwayError(
      'COLORWAY_CONFLICT',
      'The state log was replaced again and again while it was read. Try again.',
    );
  }

  /** Appends an attempt, unless it is known beforehand that it can have no effect, and tells what became of it. */
  async attempt(attempt: Attempt): Promise<Outcome> {
    for (let hops = 0; hops < MAX_HOPS; hops++) {
      const fold = await this.read();
      if (!fold.allows(attempt)) return { won: false, entry: fold.get(attempt.key) };
      const log = this.#log as OpenLog;
      this.#awaited = { id: attempt.id, outcome: undefined };
      await this.#append(log, formatLogRecord(attempt));
      await this.#drain(log);
      const { outcome } = this.#awaited;
      if (outcome !== undefined) {
        if (!log.isSealed && !(await this.#isInPlace(log))) throw removed();
        await this.#compact(log);
        return outcome;
      }
      // Behind a seal: once more in the next log. Otherwise somebody else has written over it.
      if (!log.isSealed) throw removed();
    }
    throw new ColorwayError(
      'COLORWAY_CONFLICT',
      'The state log was compacted again and again while it was written. Try again.',
    );
  }

  /** Whether the state was read from the beginning since the last call, so that nothing is known of what changed. */
  takeReplaced(): boolean {
    const replaced = this.#replaced;
    this.#replaced = false;
    return replaced;
  }

  async close(): Promise<void> {
    if (this.#log !== undefined) await this.#leave(this.#log);
  }

  async #drain(log: OpenLog): Promise<void> {
    await log.reader.readTo((line, endsAt) => {
      if (log.isSealed) return;
      const record = parseLogRecord(line);
      if (record === undefined) {
        warnOnce(
          'COLORWAY_STATE_LINE_UNREADABLE',
          `A line of ${JSON.stringify(this.#pathOf(log.number))} is no record and has no effect; a process was killed while it wrote, or the disk was full.`,
        );
      } else if (record.op === 'seal') {
        log.isSealed = true;
      } else {
        if (record.op !== 'entry') log.hasAttempts = true;
        if (!log.hasAttempts) log.entriesEndAt = endsAt;
        const outcome = this.#fold.apply(record);
        if (record.op !== 'entry' && record.id === this.#awaited?.id) this.#awaited.outcome ??= outcome;
      }
    });
  }

  async #append(log: OpenLog, text: string): Promise<void> {
    const bytes = Buffer.from(text);
    const { bytesWritten } = await log.file.write(bytes, 0, bytes.length, null);
    // A file system that takes a part of a write has no room for the rest.
    if (bytesWritten < bytes.length) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
    await flushData(log.file);
  }

  async #compact(log: OpenLog): Promise<void> {
    const grownBytes = log.reader.position - log.entriesEndAt;
    if (log.isSealed || grownBytes <= Math.max(this.#compactBytes, log.entriesEndAt)) return;
    try {
      await this.#append(log, formatLogRecord({ op: 'seal' }));
      await this.read();
    } catch {
      // The write that came before has succeeded, and says so. The next reader finishes this, or fails as it should.
    }
  }

  /** Goes from a sealed log to the next one, and makes that if nobody has yet. */
  async #advance(log: OpenLog): Promise<void> {
    const next = log.number + 1;
    // A sealed log that is gone was compacted away by others long ago, or the whole folder was.
    if (await this.#isInPlace(log)) await this.#make(next, this.#fold);
    const highest = (await this.#numbers()).at(-1);
    const opened = highest === next ? await this.#openLog(next) : undefined;
    await this.#leave(log);
    this.#log = opened;
    for (const number of await this.#numbers()) {
      // The sealed one stays for those who are still reading it.
      if (number < log.number && opened !== undefined) await unlink(this.#pathOf(number)).catch(() => {});
    }
  }

  async #openHighest(): Promise<OpenLog> {
    for (let hops = 0; hops < MAX_HOPS; hops++) {
      const highest = (await this.#numbers()).at(-1);
      if (highest === undefined) {
        if (this.#hasRead) throw removed();
        await this.#make(1, new StateFold());
        continue;
      }
      const log = await this.#openLog(highest);
      if (log === undefined) continue;
      this.#hasRead = true;
      this.#replaced = true;
      this.#fold = new StateFold();
      return log;
    }
    throw removed();
  }

  /** `undefined` when it is gone. */
  async #openLog(number: number): Promise<OpenLog | undefined> {
    try {
      const file = await open(this.#pathOf(number), constants.O_RDWR | constants.O_APPEND);
      const { dev, ino } = await file.stat();
      const reader = new LogReader(file);
      const identity = `${dev}:${ino}`;
      return { number, file, identity, reader, entriesEndAt: 0, hasAttempts: false, isSealed: false };
    } catch (error) {
      if (failedWith(error, 'ENOENT')) return undefined;
      throw error;
    }
  }

  /** Makes a log that begins with these entries; whole or not at all. If it stands already, that is as good. */
  async #make(number: number, fold: StateFold): Promise<void> {
    const temporary = this.#folder.temporaryFile();
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(
        fold
          .below('')
          .map((entry) => formatLogRecord({ op: 'entry', ...entry }))
          .join(''),
      );
      await flush(file);
      await link(temporary, this.#pathOf(number));
      // So that the name of a new log outlives a power cut, like its content.
      await flushFolder(this.#folder.state);
    } catch (error) {
      if (!failedWith(error, 'EEXIST')) throw error;
    } finally {
      await file.close();
      await unlink(temporary).catch(() => {});
    }
  }

  /** Whether the log that is open is still the file of its name, with all that was read of it. */
  async #isInPlace(log: OpenLog): Promise<boolean> {
    try {
      const { dev, ino, size } = await stat(this.#pathOf(log.number));
      return `${dev}:${ino}` === log.identity && size >= log.reader.position;
    } catch (error) {
      if (failedWith(error, 'ENOENT')) return false;
      throw error;
    }
  }

  async #leave(log: OpenLog): Promise<void> {
    this.#log = undefined;
    await log.file.close();
  }

  async #numbers(): Promise<number[]> {
    const found = (await readdir(this.#folder.state)).map((name) => Number(NAME.exec(name)?.[1]));
    return found.filter((number) => number > 0).sort((a, b) => a - b);
  }

  #pathOf(number: number): string {
    return join(this.#folder.state, `state.${number}.log`);
  }
}

const NAME = /^state\.([1-9]\d{0,14})\.log$/;

/** Reads like a removed folder, which it is a part of. */
function removed(): Error {
  return Object.assign(new Error('the state log was removed'), { code: 'ENOENT' });
}
