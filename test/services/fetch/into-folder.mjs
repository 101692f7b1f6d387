// @ts-check
import { mkdirSync, renameSync, rmSync } from 'node:fs';

/**
 * Fills a folder beside the final one and moves it there when it is whole: a fetch that broke off never counts as done.
 *
 * @param {string} folder
 * @param {(partial: string) => Promise<void>} fill
 */
export async function intoFolder(folder, fill) {
  const partial = `${folder}.partial-${process.pid}`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  try {
    await fill(partial);
    rmSync(folder, { recursive: true, force: true });
    renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}
