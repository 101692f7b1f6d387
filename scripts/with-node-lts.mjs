// `npm run test:lts`: what may differ by the line of Node, on the next LTS line; with arguments, jest with these. The npm package `node` carries
// the binary; it is kept in a cache folder outside the checkout. The build is made with the Node that runs this script.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { jest, printCounts } from './jest.mjs';
import { cacheFolder } from './lib/cache-folder.mjs';
import { npm } from './lib/npm.mjs';
import { node, seconds } from './lib/run.mjs';

const VERSION = '24.21.0';

/** What a line of Node makes no difference to: pure models, and processes that are killed for minutes on end. */
const SAME_ON_EVERY_LINE = [
  '--testPathIgnorePatterns',
  '<rootDir>/test/faults/messages/',
  '<rootDir>/test/model/',
];

function works(executable) {
  return (
    existsSync(executable) && spawnSync(executable, ['--version']).stdout?.toString().trim() === `v${VERSION}`
  );
}

function nodeLts() {
  const folder = join(cacheFolder(), `node-${VERSION}`);
  const executable = join(
    folder,
    'node_modules/node/bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  if (works(executable)) return executable;

  const start = performance.now();
  console.log(`fetching node@${VERSION} (npm package, about 190 MB) into ${folder}`);
  mkdirSync(folder, { recursive: true });
  // The package fetches the binary for this system in its install script, so scripts must be allowed to run.
  const quiet = ['--no-save', '--no-audit', '--no-fund', '--ignore-scripts=false'];
  npm(['install', '--prefix', folder, ...quiet, `node@${VERSION}`], { cwd: folder, stdio: 'inherit' });
  if (!works(executable))
    throw new Error(`node@${VERSION} was installed into ${folder}, but ${executable} does not run`);
  console.log(`fetched in ${seconds(start)}`);
  return executable;
}

let result = { status: 1, counts: { passed: 0, failed: 0, skipped: 0 } };
try {
  const executable = nodeLts();
  console.log(`node ${VERSION}: ${executable}`);
  if ((await node(['scripts/build.mjs'])) === 0) {
    const PATH = [dirname(executable), process.env.PATH].join(delimiter);
    const args = process.argv.slice(2);
    result = await jest(args.length > 0 ? args : SAME_ON_EVERY_LINE, { executable, env: { PATH } });
  }
} catch (error) {
  console.error(error);
}
printCounts(result);
process.exitCode = result.status;
