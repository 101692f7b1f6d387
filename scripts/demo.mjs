// `npm run demo`: builds when a source is newer than the last build, then runs the shop, arguments passed on.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { packages, root } from './lib/entries.mjs';
import { filesUnder } from './lib/files.mjs';
import { node } from './lib/run.mjs';

const folders = [...packages().map(({ directory }) => directory), join(root, 'examples')];
const sources = folders.flatMap((folder) => filesUnder(join(folder, 'src'), '.ts'));
const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
const built = statSync(join(root, 'examples/dist/.built'), { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (newest > built) {
  const status = await node(['scripts/build.mjs']);
  if (status !== 0) process.exit(status);
}
process.exitCode = await node([
  '--enable-source-maps',
  'examples/dist/shop/demo.js',
  ...process.argv.slice(2),
]);
