// @ts-check
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/*
 * Servers must not outlive the process that started them, even if that is ended by SIGKILL. A small process of its own
 * group holds the other end of a pipe; when the pipe closes, for whatever reason, it ends what is still guarded.
 */

/** @type {import('node:child_process').ChildProcess | undefined} */
let watchdog;

/**
 * Ends this process group and removes this folder when the current process is gone.
 * @param {number} pid leader of the group.
 * @param {string} folder
 */
export function guard(pid, folder) {
  send({ pid, folder });
}

/** @param {number} pid of a group that has ended. */
export function release(pid) {
  send({ pid });
}

/** @param {{ pid: number, folder?: string }} message */
function send(message) {
  watchdog ??= start();
  watchdog.stdin?.write(`${JSON.stringify(message)}\n`);
}

function start() {
  const program = fileURLToPath(new URL('./watchdog-process.mjs', import.meta.url));
  const child = spawn(process.execPath, [program], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });
  child.unref();
  /** @type {import('node:net').Socket} */ (child.stdin).unref().on('error', () => {
    watchdog = undefined;
  });
  return child;
}
