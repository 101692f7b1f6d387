// @ts-check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../folders.mjs';
import { runCommand } from '../run-command.mjs';
import { intoFolder } from './into-folder.mjs';

const PLACES = { usual: ['/usr/local/go/bin'] };

/**
 * A program built from its Go module.
 *
 * @param {{ module: string, version: string }} source
 * @param {string} folder gets the program, named as the module ends.
 * @param {string} takes
 * @returns {import('../types.js').Fetch}
 */
export function goProgram({ module, version }, folder, takes) {
  return {
    what: `${module}@${version} as a Go module, built into ${folder}, ${takes}`,
    obstacle() {
      if (findProgram('go', PLACES) !== undefined) return undefined;
      return {
        why: 'Go 1.24 or newer, which builds it, is not on PATH',
        command: 'sudo apt-get install -y golang-go',
      };
    },
    run: () =>
      intoFolder(folder, async (partial) => {
        const go = findProgram('go', PLACES) ?? 'go';
        // A tool of an empty module, not `go install`: that refuses a module whose go.mod replaces others.
        writeFileSync(join(partial, 'go.mod'), 'module services\n\ngo 1.24\n');
        await runCommand(go, ['get', '-tool', `${module}@${version}`], { cwd: partial });
        await runCommand(go, ['build', '-trimpath', '-ldflags', '-s -w', module], { cwd: partial });
      }),
  };
}
