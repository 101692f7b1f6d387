// `npm test`: every check in turn, the quick ones first after the build; it stops at the first failure.
// `npm test -- <path or jest option>` runs jest alone with these arguments.
import { jest, printCounts } from './jest.mjs';
import { bin, node, seconds } from './lib/run.mjs';

const colors = process.stdout.isTTY ? [] : ['--colors=off'];
const checks = [
  ['build', 'scripts/build.mjs'],
  ['types', bin('typescript', 'tsc'), '--noEmit', '-p', 'tsconfig.json'],
  ['lint', bin('@biomejs/biome', 'biome'), 'ci', '.', ...colors],
  [
    'imports: cycles and arrows',
    bin('dependency-cruiser', 'depcruise'),
    'packages',
    'examples',
    '--config',
    '.dependency-cruiser.mjs',
  ],
  ['file length', 'scripts/check-file-length.mjs'],
  ['public API', 'scripts/api.mjs'],
  ['packages as users get them', 'scripts/check-packages.mjs'],
  ['packages as users install them', 'scripts/check-installs.mjs'],
];

async function step(name, run) {
  const start = performance.now();
  console.log(`\n> ${name}`);
  const result = await run();
  console.log(`${result.status === 0 ? 'ok' : 'FAILED'}: ${name}, ${seconds(start)}`);
  return result;
}

const args = process.argv.slice(2);
const nothing = { passed: 0, failed: 0, skipped: 0 };
let result = { status: 0, counts: nothing };
if (args.length === 0) {
  for (const [name, ...command] of checks) {
    result = await step(name, async () => ({ status: await node(command), counts: nothing }));
    if (result.status !== 0) break;
  }
}
if (result.status === 0) result = await step('jest', () => jest(args));
printCounts(result);
process.exitCode = result.status;
