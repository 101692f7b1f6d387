// `npm run test:clients`: the HTTP clients, as they are built, on each line of Node with each line of undici that runs there.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packages, root } from './lib/entries.mjs';
import { nodeOf, VERSIONS } from './lib/node-line.mjs';
import { node, seconds } from './lib/run.mjs';

/** undici's lines, by the folder in node_modules, and the lowest line of Node that each runs on. */
const UNDICI = { undici6: 20, undici: 20, undici8: 22 };
const NEEDED = ['@colorway/core', '@colorway/http', '@colorway/registry'];
const LIMIT_MS = 60_000;

/** Resolves with the counts. A Node that cannot be had is a failure. */
export async function checkClientPairs() {
  const start = performance.now();
  const folder = mkdtempSync(join(tmpdir(), 'colorway-pairs-'));
  const counts = { passed: 0, failed: 0 };
  try {
    const programs = new Map(
      Object.keys(UNDICI).map((undici) => [undici, layOut(join(folder, undici), undici)]),
    );
    for (const line of Object.keys(VERSIONS)) {
      const pairs = Object.keys(UNDICI).filter((undici) => UNDICI[undici] <= Number(line));
      const results = await Promise.all(pairs.map((undici) => run(line, programs.get(undici))));
      for (const { ok, text } of results) {
        counts[ok ? 'passed' : 'failed']++;
        console.log(text);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`${counts.passed} pairs of Node and undici pass, ${counts.failed} fail, ${seconds(start)}`);
  return counts;
}

/** A folder as of a user who has this undici. Copies, because Node resolves from where a file really is. */
function layOut(folder, undici) {
  const modules = join(folder, 'node_modules');
  for (const { name, directory } of packages()) {
    if (!NEEDED.includes(name)) continue;
    const to = join(modules, name);
    mkdirSync(to, { recursive: true });
    cpSync(join(directory, 'package.json'), join(to, 'package.json'));
    cpSync(join(directory, 'dist'), join(to, 'dist'), { recursive: true });
  }
  for (const [name, from] of Object.entries({ undici, '@opentelemetry/api': '@opentelemetry/api' })) {
    mkdirSync(dirname(join(modules, name)), { recursive: true });
    symlinkSync(join(root, 'node_modules', from), join(modules, name), 'junction');
  }
  const program = join(folder, 'calls.mjs');
  cpSync(join(root, 'scripts/lib/client-calls.mjs'), program);
  return program;
}

function run(line, program) {
  let executable;
  try {
    executable = nodeOf(line);
  } catch (error) {
    return { ok: false, text: `FAILED: Node ${line} cannot be had: ${error.message}` };
  }
  return new Promise((resolve) => {
    execFile(executable, [program], { timeout: LIMIT_MS }, (error, stdout, stderr) =>
      resolve(
        error === null
          ? { ok: true, text: `ok: ${stdout.trim()}` }
          : { ok: false, text: `FAILED: Node ${line}, ${program}: ${stdout}${stderr}${error.signal ?? ''}` },
      ),
    );
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const built = await node(['scripts/build.mjs']);
  process.exitCode = built === 0 && (await checkClientPairs()).failed === 0 ? 0 : 1;
}
