import type { Stats } from 'node:fs';

/** What is wrong with a folder that a directory is kept in, and what to do. */
export interface RightsProblem {
  readonly what: string;
  readonly remedy: string;
}

const GROUP_WRITES = 0o020;
const OTHERS_WRITE = 0o002;
const ROOT = 0;

/**
 * Whether others than this user can write into a folder. `user` is undefined on systems without user ids, where nothing is known.
 *
 * @param isDefault of a folder that nobody named, which must be a folder of this user alone. One that was named may be root's,
 * and may be shared with a group.
 */
export function rightsProblem(
  found: Pick<Stats, 'uid' | 'mode'> & { isDirectory(): boolean },
  user: number | undefined,
  isDefault: boolean,
): RightsProblem | undefined {
  const own = 'name one of your own in COLORWAY_FOLDER.';
  if (isDefault && !found.isDirectory())
    return { what: 'belongs to another user, or is no folder', remedy: `Remove it, or ${own}` };
  if (user === undefined) return undefined;
  if (found.uid !== user && (isDefault || found.uid !== ROOT))
    return { what: 'belongs to another user', remedy: `Remove it, or ${own}` };
  if ((found.mode & (isDefault ? GROUP_WRITES | OTHERS_WRITE : OTHERS_WRITE)) === 0) return undefined;
  return {
    what: 'can be written by others',
    remedy: `Look whether somebody has; then remove it, or take the right away (chmod go-w), or ${own}`,
  };
}
