// @ts-check
// The Python library: found in the folder of what was fetched, else fetched by pip, each file by its digest, nothing built.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { intoFolder } from '../../services/fetch/into-folder.mjs';
import { fetchedFolder, findProgram, isFolder } from '../../services/folders.mjs';
import { runCommand } from '../../services/run-command.mjs';

const REQUIREMENTS = fileURLToPath(new URL('./requirements.txt', import.meta.url));
const OLDEST = [3, 10];

/**
 * A Python, and the folder that its PYTHONPATH has to name.
 *
 * @param {(line: string) => void} say told what is fetched.
 * @returns {Promise<{ python: string, folder: string }>}
 * @throws {Error} which says why it cannot be had, and what gets it.
 */
export async function pythonLibrary(say) {
  const python = findProgram('python3');
  if (python === undefined)
    throw missing('python3 is not on PATH', 'sudo apt-get install -y python3 python3-pip');
  const version = ask(python, ['-c', 'import sys; print(*sys.version_info[:2])']);
  const [major = 0, minor = 0] = version.split(' ').map(Number);
  const [, oldestMinor = 0] = OLDEST;
  if (major !== OLDEST[0] || minor < oldestMinor)
    throw missing(`${python} is Python ${version.replace(' ', '.')}`, `install ${OLDEST.join('.')} or newer`);
  const digest = createHash('sha256').update(readFileSync(REQUIREMENTS)).digest('hex').slice(0, 12);
  const folder = fetchedFolder(`python${major}.${minor}-http-signatures-${digest}`);
  if (isFolder(folder)) return { python, folder };
  if (ask(python, ['-m', 'pip', '--version']) === '')
    throw missing(`${python} has no pip`, 'sudo apt-get install -y python3-pip');
  say(`fetching the Python package http-message-signatures and what it needs (6 MB) into ${folder}`);
  await intoFolder(folder, async (partial) => {
    const how = ['--require-hashes', '--no-deps', '--only-binary', ':all:', '--disable-pip-version-check'];
    await runCommand(python, ['-m', 'pip', 'install', '-q', ...how, '-r', REQUIREMENTS, '--target', partial]);
  });
  return { python, folder };
}

/**
 * @param {string} program
 * @param {string[]} args
 */
function ask(program, args) {
  const { status, stdout } = spawnSync(program, args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : '';
}

/**
 * @param {string} why
 * @param {string} command
 */
function missing(why, command) {
  return new Error(`The Python library cannot be had: ${why}. Get it: ${command}.`);
}
