// @ts-check
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/*
 * What the processes of one test run tell each other: a folder, and the address of the host of shared servers. jest hands the
 * environment that its global set-up leaves to every worker.
 */
const FOLDER = 'COLORWAY_TEST_RUN';
const HOST = 'COLORWAY_TEST_SERVERS';

/**
 * A suite that did not run.
 * @typedef {{ file: string, title: string, absences: string[] }} NotRun
 */

/** @param {string} host URL that `sharedService` asks. */
export function openRun(host) {
  process.env[FOLDER] = mkdtempSync(join(tmpdir(), 'colorway-run-'));
  process.env[HOST] = host;
}

export function closeRun() {
  rmSync(folder(), { recursive: true, force: true });
  delete process.env[FOLDER];
  delete process.env[HOST];
}

export function hostOfRun() {
  return process.env[HOST] ?? missing(HOST);
}

/** @param {NotRun} suite */
export function recordNotRun(suite) {
  appendFileSync(join(folder(), 'not-run.jsonl'), `${JSON.stringify(suite)}\n`);
}

/** @returns {NotRun[]} */
export function suitesNotRun() {
  const lines = read(join(folder(), 'not-run.jsonl'))?.trimEnd().split('\n') ?? [];
  return lines.map((line) => JSON.parse(line));
}

/**
 * The result of work that one run does once, though several of its processes ask for it.
 * @param {string} key
 * @param {() => string} work
 */
export function oncePerRun(key, work) {
  const file = join(folder(), `once-${key}`);
  const known = read(file);
  if (known !== undefined) return known;
  const result = work();
  writeFileSync(file, result);
  return result;
}

function folder() {
  return process.env[FOLDER] ?? missing(FOLDER);
}

/**
 * @param {string} name
 * @returns {never}
 */
function missing(name) {
  throw new Error(`${name} is not set: jest must run with the globalSetup of jest.config.mjs.`);
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
