import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from './cache-folder.mjs';
import { npm } from './npm.mjs';
import { seconds } from './run.mjs';

/** Of each line of Node that users run, the version that is tested. */
export const VERSIONS = { 20: '20.20.2', 22: '22.23.3', 24: '24.21.0', 26: '26.10.0' };

/** The Node that runs this script where it is of that line, else the one of the npm package `node`. Throws where it cannot be had. */
export function nodeOf(line) {
  return process.version.startsWith(`v${line}.`) ? process.execPath : nodeFromNpm(VERSIONS[line]);
}

/** The binary of the npm package `node`, kept in a cache folder outside the checkout. */
export function nodeFromNpm(version) {
  const folder = join(cacheFolder(), `node-${version}`);
  const executable = join(
    folder,
    'node_modules/node/bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (works(executable, version)) return executable;

  const start = performance.now();
  console.log(`fetching node@${version} (npm package, about 190 MB) into ${folder}`);
  mkdirSync(folder, { recursive: true });
  // The package fetches the binary for this system in its install script, so scripts must be allowed to run.
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts=false'];
  npm(['install', '--prefix', folder, ...quiet, `node@${version}`], { cwd: folder, stdio: 'inherit' });
  if (!works(executable, version))
    throw new Error(`node@${version} was installed into ${folder}, but ${executable} does not run`);
  console.log(`fetched in ${seconds(start)}`);
  return executable;
}

function works(executable, version) {
  return (
    existsSync(executable) && spawnSync(executable, ['--version']).stdout?.toString().trim() === `v${version}`
  );
}
