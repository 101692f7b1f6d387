// @ts-check
import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { cacheFolder } from '../../scripts/lib/cache-folder.mjs';

/**
 * Where fetched servers are kept, outside the checkout.
 * @param {string} name with the version, so that another version is another folder.
 */
export function fetchedFolder(name) {
  return join(cacheFolder(), 'services', name);
}

/**
 * A program in the folder that COLORWAY_SERVICES names, where its package usually puts it, on PATH, or where we fetched it to;
 * in this order.
 *
 * @param {string} name
 * @param {{ usual?: readonly string[], fetched?: string }} [places] folders.
 */
export function findProgram(name, { usual = [], fetched } = {}) {
  const folders = [
    ...servicesFolders(),
    ...usual,
    ...split(process.env.PATH),
    ...(fetched === undefined ? [] : [fetched]),
  ];
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

/** The folder that COLORWAY_SERVICES names, and its `bin`; several are separated as in PATH. */
export function servicesFolders() {
  return split(process.env.COLORWAY_SERVICES).flatMap((folder) => [folder, join(folder, 'bin')]);
}

/** @param {string} path */
export function isFolder(path) {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

/** @param {string | undefined} path */
function split(path) {
  return (path ?? '').split(delimiter).filter((folder) => folder !== '');
}

/** @param {string} path */
function isProgram(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
