// What a user gets: each package is packed, its manifest and types are checked from the tarball (publint, attw), and each
// entry point is loaded by import and by require, and compiled against, as ESM and as CommonJS.
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkConsumers } from './lib/check-consumers.mjs';
import { checkDeclarationImports } from './lib/check-declaration-imports.mjs';
import { packages } from './lib/entries.mjs';
import { npm } from './lib/npm.mjs';
import { bin, node } from './lib/run.mjs';

const folder = mkdtempSync(join(tmpdir(), 'colorway-pack-'));
let failed = false;
try {
  for (const pack of packages()) {
    const tarball = packed(pack);
    // node16: TypeScript's old `moduleResolution: node` knows no subpath exports; everything newer must be right.
    const attw = [bin('@arethetypeswrong/cli', 'attw'), tarball, '--profile', 'node16', '--format', 'ascii'];
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
  const before = new Set(readdirSync(folder));
  npm(['pack', '--silent', '--pack-destination', folder], { cwd: directory });
  const tarball = readdirSync(folder).find((file) => !before.has(file));
  if (!tarball) throw new Error(`npm pack made no tarball of ${name}`);
  return join(folder, tarball);
}
