import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { root } from './entries.mjs';

const require = createRequire(import.meta.url);

/** The script behind a package's command, to be run with this very Node: no shell, no PATH, the same on every system. */
export function bin(packageName, command = packageName) {
  const manifest = join(root, 'node_modules', packageName, 'package.json');
  const { bin: commands } = require(manifest);
  return join(dirname(manifest), typeof commands === 'string' ? commands : commands[command]);
}

/** Runs `node ...args`, its output passed through; resolves with the exit status (a signal counts as 1). */
export function node(args, { env = {}, executable = process.execPath, cwd = root } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(executable, args, { cwd, env: { ...process.env, ...env }, stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', (code) => resolve(code ?? 1));
  });
}

export function seconds(since) {
  return `${((performance.now() - since) / 1000).toFixed(1)} s`;
}
