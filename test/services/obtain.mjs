// @ts-check
import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fetchedFolder } from './folders.mjs';
import { serverKind } from './server-kinds.mjs';
import { ServiceError } from './service-error.mjs';

/** @typedef {import('./types.js').ServiceName} ServiceName */

/** How often whoever fetches says so, in milliseconds. */
const SIGN_OF_LIFE_MS = 5_000;

/**
 * The address of a server that runs already, from the environment.
 * @param {ServiceName} name
 */
export function addressInEnvironment(name) {
  return process.env[serverKind(name).variable] || undefined;
}

/**
 * The program of a server: the one that is there, else fetched by its package's ordinary client.
 *
 * @param {ServiceName} name
 * @param {(line: string) => void} say told what is fetched and how long it takes, before and after.
 * @returns {Promise<string>}
 * @throws {ServiceError} `SERVICE_UNAVAILABLE`
 */
export async function obtain(name, say) {
  const kind = serverKind(name);
  const cannotRun = kind.obstacle?.();
  if (cannotRun !== undefined) throw unavailable(kind, cannotRun);
  const found = kind.find();
  if (found !== undefined) return found;
  const cannotFetch = kind.fetch.obstacle();
  if (cannotFetch !== undefined) throw unavailable(kind, cannotFetch);

  return await oneAtATime(fetchedFolder(`${name}.lock`), say, async () => {
    const foundMeanwhile = kind.find();
    if (foundMeanwhile !== undefined) return foundMeanwhile;
    say(`${kind.title} is not here; fetching ${kind.fetch.what}`);
    const start = performance.now();
    try {
      await kind.fetch.run();
    } catch (error) {
      throw unavailable(kind, {
        why: `fetching ${kind.fetch.what} failed: ${error}`,
        command: tryAgain(name),
      });
    }
    say(`${kind.title} fetched in ${((performance.now() - start) / 1000).toFixed(0)} s`);
    const fetched = kind.find();
    if (fetched !== undefined) return fetched;
    throw unavailable(kind, {
      why: `fetching ${kind.fetch.what} went well, but it is not there`,
      command: tryAgain(name),
    });
  });
}

/** @param {ServiceName} name */
export function tryAgain(name) {
  return `npm run services -- --get ${name}`;
}

/**
 * @param {import('./types.js').ServerKind} kind
 * @param {import('./types.js').Absence} absence
 */
function unavailable({ title, variable }, { why, command }) {
  const message = `${title} cannot be had: ${why}. Get it: ${command} (or name one that runs in ${variable}).`;
  return new ServiceError('SERVICE_UNAVAILABLE', message);
}

/**
 * Two processes must not fetch the same thing at once.
 *
 * @template T
 * @param {string} lock a file that holds the process id of who is at it.
 * @param {(line: string) => void} say
 * @param {() => Promise<T>} work
 */
async function oneAtATime(lock, say, work) {
  mkdirSync(dirname(lock), { recursive: true });
  for (let told = false; !tryLock(lock); told = true) {
    if (!told) say(`another process fetches the same; waiting for it (${lock})`);
    await sleep(500);
  }
  const sign = setInterval(() => touch(lock), SIGN_OF_LIFE_MS);
  try {
    return await work();
  } finally {
    clearInterval(sign);
    rmSync(lock, { force: true });
  }
}

/** @param {string} lock */
function tryLock(lock) {
  try {
    writeFileSync(lock, `${process.pid}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
  }
  const holder = Number(read(lock));
  // 0: written this very moment, or taken away again. A number may be another process's by now, which gives no signs.
  if (holder !== 0 && (!lives(holder) || isOld(lock))) rmSync(lock, { force: true });
  return false;
}

/** @param {string} lock */
function isOld(lock) {
  const { mtimeMs = Date.now() } = statSync(lock, { throwIfNoEntry: false }) ?? {};
  return Date.now() - mtimeMs > 12 * SIGN_OF_LIFE_MS;
}

/** @param {string} lock */
function touch(lock) {
  try {
    utimesSync(lock, new Date(), new Date());
  } catch {
    // Somebody removed it: then another process fetches too, into a folder of its own.
  }
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** @param {number} pid */
function lives(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
