// What a user gets: each package is packed, its files are compared with a list, its manifest and types are checked from the tarball (publint, attw), and each
// entry point is loaded by import and by require, and compiled against, as ESM and as CommonJS.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkConsumers } from './lib/check-consumers.mjs';
import { checkDeclarationImports } from './lib/check-declaration-imports.mjs';
import { packages } from './lib/entries.mjs';
import { npm } from './lib/npm.mjs';
import { bin, node } from './lib/run.mjs';
import { tarballProblems } from './lib/tarball-contents.mjs';

const folder = mkdtempSync(join(tmpdir(), 'colorway-pack-'));
let failed = false;
try {
  for (const pack of packages()) {
    const { tarball, files } = packed(pack);
    for (const problem of tarballProblems(pack.name, files)) {
      console.log(problem);
      failed = true;
    }
    const attw = [bin('@arethetypeswrong/cli', 'attw'), tarball, '--profile', 'strict', '--format', 'ascii'];
    if ((await node([bin('publint'), 'run', tarball, '--strict'])) !== 0) failed = true;
    if ((await node([...attw, '--quiet'])) !== 0) {
      await node(attw); // once more, for its table
      failed = true;
    }
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
for (const problem of [...(await checkConsumers(packages())), ...checkDeclarationImports(packages())]) {
  console.log(problem);
  failed = true;
}
process.exitCode = failed ? 1 : 0;

function packed({ directory, name }) {
  const told = npm(['pack', '--json', '--silent', '--pack-destination', folder], { cwd: directory });
  const [made] = Object.values(JSON.parse(told));
  if (!made) throw new Error(`npm pack made no tarball of ${name}`);
  return { tarball: join(folder, made.filename), files: made.files.map(({ path }) => path) };
}
