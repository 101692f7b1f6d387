// The public API as text, one committed report per entry point in api/. `npm run api:check` fails when the built
// declarations say something else, `npm run api:update` writes them anew: a change of API then shows in the review.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { declarationProgram, describeEntry } from './lib/describe-api.mjs';
import { packages, root } from './lib/entries.mjs';
import { filesUnder } from './lib/files.mjs';
import { lineDiff } from './lib/line-diff.mjs';
import { scriptOptions } from './lib/options.mjs';

const { update } = scriptOptions('npm run api:check, or npm run api:update', {
  options: { update: { type: 'boolean', default: false } },
}).values;
const folder = join(root, 'api');
const entryPoints = packages().flatMap(({ name, directory, entries }) =>
  Object.keys(entries).map((entry) => ({
    specifier: entry === 'index' ? name : `${name}/${entry}`,
    declarations: join(directory, 'dist', `${entry}.d.ts`),
    directory,
  })),
);
const program = declarationProgram(entryPoints.map(({ declarations }) => declarations));
const reports = new Map();
for (const { specifier, declarations, directory } of entryPoints) {
  const file = `${specifier.replace('@colorway/', '').replace('/', '.')}.api.md`;
  reports.set(file, describeEntry(program, specifier, declarations, directory));
}

mkdirSync(folder, { recursive: true });
let changed = 0;
for (const [file, text] of reports) {
  const path = join(folder, file);
  const before = existsSync(path) ? readFileSync(path, 'utf8') : '';
  if (before === text) continue;
  changed++;
  if (update) writeFileSync(path, text);
  console.log(`${update ? 'wrote' : 'differs:'} api/${file}`);
  if (!update) console.log(lineDiff(before, text));
}
for (const path of filesUnder(folder, '.api.md')) {
  if (reports.has(path.slice(folder.length + 1))) continue;
  changed++;
  console.log(`${path.slice(root.length + 1)} belongs to no entry point any more: remove it`);
}
if (changed > 0 && !update) {
  console.log(
    '\nThe public API changed. If that is meant: npm run api:update, and commit api/ with a changeset.',
  );
  process.exitCode = 1;
}
