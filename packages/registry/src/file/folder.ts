import { randomBytes } from 'node:crypto';
import { lstat, mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ColorwayError, isColorwayError, quote, warnOnce } from '@colorway/core';
import { rightsProblem } from './folder-rights.js';

const STALE_TEMPORARY_MS = 60 * 60 * 1_000;

/** The folder of a file directory: where things stand in it, made on first use, and never again after. */
export class Folder {
  readonly path: string;
  readonly instances: string;
  readonly state: string;
  /** What is being written; renamed or linked into place when it is whole. */
  readonly #temporary: string;
  readonly #isDefault: boolean;
  #made: Promise<void> | undefined;

  constructor(path?: string) {
    const named = path || namedFolder(process.env);
    this.#isDefault = named === undefined;
    this.path = named ?? join(tmpdir(), `colorway-${userId() ?? 'user'}`);
    this.instances = join(this.path, 'instances');
    this.state = join(this.path, 'state');
    this.#temporary = join(this.path, 'tmp');
  }

  /**
   * Makes the folder if it was not made by this process before. One that is removed later is not made
   * again by those who lived through it: an empty folder is not the truth about what they know.
   */
  async ready(): Promise<void> {
    this.#made ??= this.#make();
    try {
      await this.#made;
    } catch (error) {
      this.#made = undefined;
      throw this.failed(error);
    }
  }

  temporaryFile(): string {
    return join(this.#temporary, `${process.pid}-${randomBytes(8).toString('hex')}`);
  }

  /** Which folder stands at a path; another text when it was removed and made again. */
  async identify(path: string): Promise<string> {
    const { dev, ino, birthtimeMs } = await stat(path);
    return `${dev}:${ino}:${birthtimeMs}`;
  }

  /** Whatever went wrong, as an error that says where and what to do. */
  failed(error: unknown): ColorwayError {
    if (isColorwayError(error)) return error;
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const remedy = REMEDIES[code] ?? 'Check the folder and its disk.';
    return new ColorwayError(
      'COLORWAY_DIRECTORY_FAILED',
      `The folder ${quote(this.path)} of the directory fails with ${code}. ${remedy}`,
      {
        cause: error,
      },
    );
  }

  async #make(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
    await this.#checkRights();
    for (const part of [this.instances, this.state, this.#temporary])
      await mkdir(part, { recursive: true, mode: 0o700 });
    await this.#removeStale();
  }

  /**
   * Who may write into the folder decides where calls go. The default one stands where everybody may write, so another user
   * could have made it first, or opened it: it must be this user's alone. One that was named is as open as somebody made it, for
   * services of several users say: what others may do is said once.
   */
  async #checkRights(): Promise<void> {
    const found = this.#isDefault ? await lstat(this.path) : await stat(this.path);
    const problem = rightsProblem(found, userId(), this.#isDefault);
    if (problem === undefined) return;
    const { what, remedy } = problem;
    const message = `The folder ${quote(this.path)} of the directory ${what}: whoever writes there decides where calls go. ${remedy}`;
    if (this.#isDefault) throw new ColorwayError('COLORWAY_DIRECTORY_FAILED', message);
    warnOnce('COLORWAY_FOLDER_OPEN', message, this.path);
  }

  /** What processes left behind that were killed while they wrote. */
  async #removeStale(): Promise<void> {
    for (const name of await readdir(this.#temporary)) {
      const path = join(this.#temporary, name);
      const found = await stat(path).catch(() => undefined);
      if (found !== undefined && Date.now() - found.mtimeMs > STALE_TEMPORARY_MS)
        await unlink(path).catch(() => {});
    }
  }
}

/** `COLORWAY_FOLDER`; an empty one names nothing. */
export function namedFolder(env: Readonly<Record<string, string | undefined>>): string | undefined {
  return env.COLORWAY_FOLDER || undefined;
}

const REMEDIES: Readonly<Record<string, string>> = {
  ENOENT:
    'It was removed while this process used it. Restart a service to make it anew; the others then join it.',
  ENOSPC: 'The disk is full. Free some space.',
  EFBIG: 'A limit of this process on the size of files is reached (ulimit -f). Raise it.',
  EDQUOT: 'The disk quota is used up. Free some space.',
  EACCES: 'This user may not use it. Set its owner and mode, or name another in COLORWAY_FOLDER.',
  EPERM: 'This user may not use it. Set its owner and mode, or name another in COLORWAY_FOLDER.',
  EROFS: 'It is read-only. Mount it writable, or name another in COLORWAY_FOLDER.',
  ENOTDIR: 'Something on its path is no folder. Remove that, or name another in COLORWAY_FOLDER.',
  EMFILE: 'This process has too many open files. Raise its limit (ulimit -n).',
};

function userId(): number | undefined {
  return process.getuid?.();
}

/** Whether a file operation failed with this code, such as `ENOENT`. */
export function failedWith(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === code;
}
