// `npm run test:lts`: what may differ by the line of Node. The HTTP clients on each line with each undici, and then jest on the
// next LTS line; with arguments, jest alone with these. The build is made with the Node that runs this script.
import { delimiter, dirname } from 'node:path';
import { checkClientPairs } from './check-client-pairs.mjs';
import { jest, printCounts } from './jest.mjs';
import { nodeFromNpm, VERSIONS } from './lib/node-line.mjs';
import { node } from './lib/run.mjs';

const VERSION = VERSIONS[24];

/** What a line of Node makes no difference to: pure models, and processes that are killed for minutes on end. */
const SAME_ON_EVERY_LINE = [
  '--testPathIgnorePatterns',
  '<rootDir>/test/faults/messages/',
  '<rootDir>/test/model/',
];

const args = process.argv.slice(2);
let result = { status: 1, counts: { passed: 0, failed: 0, skipped: 0 } };
try {
  const executable = nodeFromNpm(VERSION);
  console.log(`node ${VERSION}: ${executable}`);
  if ((await node(['scripts/build.mjs'])) === 0) {
    const pairs = args.length > 0 ? { passed: 0, failed: 0 } : await checkClientPairs();
    const PATH = [dirname(executable), process.env.PATH].join(delimiter);
    result = await jest(args.length > 0 ? args : SAME_ON_EVERY_LINE, { executable, env: { PATH } });
    result.counts.passed += pairs.passed;
    result.counts.failed += pairs.failed;
    if (pairs.failed > 0) result.status = 1;
  }
} catch (error) {
  console.error(error);
}
printCounts(result);
process.exitCode = result.status;
