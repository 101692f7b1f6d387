// @ts-check
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../folders.mjs';
import { runCommand } from '../run-command.mjs';
import { intoFolder } from './into-folder.mjs';

/**
 * A program built from its crate.
 *
 * @param {{ crate: string, version: string }} source
 * @param {string} folder gets `bin/<crate>`.
 * @param {string} takes
 * @returns {import('../types.js').Fetch}
 */
export function cargoProgram({ crate, version }, folder, takes) {
  const places = { usual: [join(homedir(), '.cargo/bin')] };
  return {
    what: `the crate ${crate} ${version}, built by cargo into ${folder}, ${takes}`,
    obstacle() {
      if (findProgram('cargo', places) !== undefined) return undefined;
      return { why: 'cargo, which builds it, is not on PATH', command: 'sudo apt-get install -y cargo' };
    },
    run: () =>
      intoFolder(folder, async (partial) => {
        const cargo = findProgram('cargo', places) ?? 'cargo';
        await runCommand(cargo, ['install', crate, '--version', version, '--locked', '--root', partial]);
      }),
  };
}
