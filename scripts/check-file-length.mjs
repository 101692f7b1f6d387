// Sources over 300 lines are named, over 400 refused: by then there is a second thing in them.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packages, root } from './lib/entries.mjs';
import { filesUnder } from './lib/files.mjs';

const WARN = 300;
const FAIL = 400;

let failed = false;
for (const folder of [
  ...packages().map(({ directory }) => join(directory, 'src')),
  join(root, 'examples/src'),
]) {
  for (const file of filesUnder(folder, '.ts')) {
    const lines = readFileSync(file, 'utf8').split('\n').length - 1;
    if (lines <= WARN) continue;
    const tooLong = lines > FAIL;
    failed ||= tooLong;
    console.log(
      `${tooLong ? 'too long' : 'long'}: ${file.slice(root.length + 1)} has ${lines} lines (split near ${WARN}, at most ${FAIL})`,
    );
  }
}
process.exitCode = failed ? 1 : 0;
