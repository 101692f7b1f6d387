// What a user gets who installs: the packed packages, from a registry of their own on this machine, by npm, pnpm and Yarn, with
// the newest and the oldest @opentelemetry/api and each line of undici. Nothing may conflict, each entry point is loaded
// by import and by require, and found by TypeScript whatever its module resolution is. Once more by each of the three, a user
// who has the package `colorway` and nothing else tells a first story with it, and runs its command.
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileConsumer } from './lib/compile-consumer.mjs';
import { packages, root } from './lib/entries.mjs';
import { installedClosure } from './lib/installed-closure.mjs';
import { openLocalRegistry } from './lib/local-registry.mjs';
import { onePackageSteps, writeOnePackageUser } from './lib/one-package.mjs';
import { bin, seconds } from './lib/run.mjs';

const installed = (name) => join(root, 'node_modules', name);
/** What users bring along; the newest of each first. */
const BROUGHT = [
  '@opentelemetry/api',
  'otel-api-older',
  'undici',
  'undici6',
  'axios',
  'amqplib',
  'kafkajs',
  'redis',
];
/** Fastify's types are large, and checked elsewhere: nobody has Fastify here. */
const WITHOUT = ['@colorway/http/fastify', 'colorway/fastify'];

const ours = packages();
const specifiers = ours
  .flatMap(({ name, entries }) =>
    Object.keys(entries).map((entry) => (entry === 'index' ? name : `${name}/${entry}`)),
  )
  .filter((specifier) => !WITHOUT.includes(specifier));
const folder = mkdtempSync(join(tmpdir(), 'colorway-installs-'));
const tarballs = join(folder, 'tarballs');
mkdirSync(tarballs);
const registry = await openLocalRegistry(
  installedClosure([...ours.map(({ directory }) => directory), ...BROUGHT.map(installed)]),
  tarballs,
);

const env = {
  ...process.env,
  npm_config_registry: registry.url,
  npm_config_cache: join(folder, 'npm-cache'),
  npm_config_engine_strict: 'false',
  YARN_NPM_REGISTRY_SERVER: registry.url,
  YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
  YARN_GLOBAL_FOLDER: join(folder, 'yarn'),
  YARN_ENABLE_TELEMETRY: 'false',
  YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
  YARN_NPM_MINIMAL_AGE_GATE: '0',
};
const NPM = process.env.npm_execpath?.endsWith('.js')
  ? [process.execPath, process.env.npm_execpath]
  : ['npm'];
const PNPM = [process.execPath, bin('pnpm')];
const YARN = [process.execPath, join(root, 'node_modules/@yarnpkg/cli-dist/bin/yarn.js')];

const LOAD = `const load = async (find) => {
  for (const specifier of ${JSON.stringify(specifiers)}) await find(specifier);
  if (!('coloredDispatcher' in (await find('@colorway/http/undici')))) throw new Error('nothing is exported');
};
`;
const STRICT = ['--config.strict-peer-dependencies=true', '--config.auto-install-peers=false'];

const NPM_WAY = {
  install: [...NPM, 'install'],
  check: [...NPM, 'ls', '--all'],
  run: [...NPM, 'exec', '--', 'colorway'],
};
const PNPM_WAY = {
  install: [...PNPM, 'install', `--store-dir=${join(folder, 'pnpm-store')}`, ...STRICT],
  run: [...PNPM, 'exec', 'colorway'],
};
const YARN_WAY = { install: [...YARN, 'install'], load: [...YARN, 'node'], run: [...YARN, 'colorway'] };

/** `load` is the Node that finds what was installed, `run` the command that was. */
const WAYS = [
  { name: 'npm, the newest of all', with: {}, ...NPM_WAY },
  {
    name: 'npm, the oldest API and undici 6',
    with: { '@opentelemetry/api': '1.9', undici: '6' },
    ...NPM_WAY,
    install: [...NPM, 'install', '--strict-peer-deps'],
  },
  { name: 'pnpm, strict', with: {}, ...PNPM_WAY, compiles: true },
  { name: 'Yarn, strict', with: {}, ...YARN_WAY },
  { name: 'npm, colorway alone', ...NPM_WAY, alone: true },
  { name: 'pnpm, colorway alone', ...PNPM_WAY, alone: true, compiles: true },
  { name: 'Yarn, colorway alone', ...YARN_WAY, alone: true },
];

let failed = 0;
try {
  for (const way of WAYS) {
    const start = performance.now();
    const problems = await (way.alone ? tryOutAlone(way) : tryOut(way));
    console.log(`${problems.length === 0 ? 'ok' : 'FAILED'}: installed by ${way.name}, ${seconds(start)}`);
    for (const problem of problems) console.log(problem);
    failed += problems.length;
  }
} finally {
  registry.close();
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;

async function tryOut({ name, with: chosen, install, check, load = [process.execPath], compiles }) {
  const cwd = join(folder, name.replace(/\W+/g, '-'));
  mkdirSync(cwd);
  const brought = ['@opentelemetry/api', 'undici', 'axios', 'amqplib', 'kafkajs', 'redis'];
  const dependencies = Object.fromEntries([
    ...ours.map((one) => [one.name, '0.1.0']),
    ...brought.map((one) => [one, chosen[one] ?? '*']),
  ]);
  write('package.json', JSON.stringify({ name: 'consumer', private: true, dependencies }));
  write('yarn.lock', '');
  write('load.mjs', `${LOAD}await load((specifier) => import(specifier));\n`);
  write('load.cjs', `${LOAD}load(require);\n`);

  const told = await run([...install], cwd);
  if (told.failed) return [told.text];
  const problems = [];
  if (/ERESOLVE|unmet peer|YN0060|YN0002/.test(told.text)) problems.push(told.text);
  for (const command of [...(check ? [check] : []), [...load, 'load.mjs'], [...load, 'load.cjs']]) {
    const result = await run(command, cwd);
    if (result.failed) problems.push(`${command.slice(-2).join(' ')}: ${result.text}`);
  }
  if (compiles) problems.push(...compileConsumer(cwd, specifiers));
  return problems;

  function write(file, text) {
    writeFileSync(join(cwd, file), text);
  }
}

/** Who has `colorway` and nothing else. */
async function tryOutAlone({ name, install, check, load = [process.execPath], run: bin, compiles }) {
  const cwd = join(folder, name.replace(/\W+/g, '-'));
  writeOnePackageUser(cwd, '0.1.0');
  const told = await run(install, cwd);
  if (told.failed) return [told.text];
  const problems = [];
  if (/ERESOLVE|unmet peer|YN0060|YN0002/.test(told.text)) problems.push(told.text);
  const own = specifiers.filter((one) => one.split('/')[0] === 'colorway');
  const { scripts, command, env: more } = onePackageSteps(cwd, own);
  const steps = [...(check ? [check] : []), ...scripts.map((file) => [...load, file]), [...bin, ...command]];
  for (const step of steps) {
    const result = await run(step, cwd, more);
    if (result.failed) problems.push(`${step.slice(-5).join(' ')}: ${result.text}`);
  }
  if (compiles) problems.push(...compileConsumer(cwd, own));
  return problems;
}

/** Resolves in any case: with what it said, and whether it failed. */
function run([command, ...args], cwd, more = {}) {
  return new Promise((resolve) => {
    execFile(
      command,
      args,
      { cwd, env: { ...env, ...more }, timeout: 300_000, maxBuffer: 1e8 },
      (error, stdout, stderr) => resolve({ failed: error !== null, text: `${stdout}${stderr}` }),
    );
  });
}
