import { statSync } from 'node:fs';
import { join } from 'node:path';
import { packages, root } from './entries.mjs';
import { filesUnder } from './files.mjs';
import { node } from './run.mjs';

/** Builds when a source is newer than the last build; resolves with the exit status. */
export async function buildIfOlder() {
  const folders = [...packages().map(({ directory }) => directory), join(root, 'examples')];
  const sources = folders.flatMap((folder) => filesUnder(join(folder, 'src'), '.ts'));
  const newest = Math.max(...sources.map((file) => statSync(file).mtimeMs));
  const built = statSync(join(root, 'examples/dist/.built'), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return newest > built ? await node(['scripts/build.mjs']) : 0;
}
