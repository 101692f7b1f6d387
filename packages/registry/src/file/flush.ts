import { fdatasync, fsync } from 'node:fs';
import { type FileHandle as Handle, open } from 'node:fs/promises';
import { promisify } from 'node:util';

/* By descriptor: Yarn Plug'n'Play puts a FileHandle of its own in the place of Node's, which cannot sync. */
const sync = promisify(fsync);
const datasync = promisify(fdatasync);

/** Resolves when what was written to a file outlives a power cut, its size and times included. */
export function flush({ fd }: Pick<Handle, 'fd'>): Promise<void> {
  return sync(fd);
}

/** {@link flush}, without times that nobody reads. */
export function flushData({ fd }: Pick<Handle, 'fd'>): Promise<void> {
  return datasync(fd);
}

/** Resolves when the names in a folder outlive a power cut. */
export async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  await flush(folder).finally(() => folder.close());
}
