// @ts-check
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { addressInEnvironment } from '../obtain.mjs';
import { SERVICE_NAMES, serverKind } from '../server-kinds.mjs';
import { oncePerRun } from './test-run.mjs';

/** @typedef {import('../types.js').ServiceName} ServiceName */

/**
 * Why a suite cannot have a server; `undefined` when it can. Fetches what is not there. Synchronous, because jest must know
 * which tests there are before any of them runs.
 *
 * @param {ServiceName} name
 * @param {{ own: boolean }} options `own`: the one that the environment names will not do.
 */
export function absenceOf(name, { own }) {
  const kind = serverKind(name);
  if (!chosen().includes(name))
    return `${kind.title} is left out by SERVERS=${process.env.SERVERS}. Unset SERVERS.`;
  if (!own && addressInEnvironment(name) !== undefined) return undefined;
  if (kind.obstacle?.() === undefined && kind.find() !== undefined) return undefined;
  return oncePerRun(name, () => fetchNow(name)) || undefined;
}

/**
 * The servers of this run: those that SERVERS names (`SERVERS=kafka,rabbitmq`, `SERVERS=none`), else all.
 * @returns {readonly ServiceName[]}
 */
function chosen() {
  const text = process.env.SERVERS;
  if (!text) return SERVICE_NAMES;
  if (text === 'none') return [];
  return text.split(',').map((name) => serverKind(name.trim()).name);
}

/**
 * @param {ServiceName} name
 * @returns {string} why it cannot be had; empty when it can.
 */
function fetchNow(name) {
  const program = fileURLToPath(new URL('../obtain-process.mjs', import.meta.url));
  const { status, stdout } = spawnSync(process.execPath, [program, name], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return status === 0
    ? ''
    : stdout.toString().trim() || `${name}: looking for it ended with status ${status}.`;
}
