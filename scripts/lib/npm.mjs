import { execFileSync } from 'node:child_process';

/** Runs npm and waits: the npm that runs this script when there is one, else the one on PATH. */
export function npm(args, options = {}) {
  const cli = process.env.npm_execpath; // set by npm run
  if (cli) return execFileSync(process.execPath, [cli, ...args], options);
  return execFileSync('npm', args, { ...options, shell: process.platform === 'win32' });
}
