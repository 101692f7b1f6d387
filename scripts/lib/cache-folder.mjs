import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where this project keeps what it fetches: the user's cache folder, outside the checkout. */
export function cacheFolder() {
  const { XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'colorway');
  if (process.platform === 'win32' && LOCALAPPDATA) return join(LOCALAPPDATA, 'colorway');
  if (process.platform === 'darwin') return join(homedir(), 'Library/Caches/colorway');
  return join(homedir(), '.cache/colorway');
}
