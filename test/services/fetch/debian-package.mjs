// @ts-check
import { findProgram } from '../folders.mjs';
import { runCommand } from '../run-command.mjs';

/**
 * A Debian package, installed for the whole machine when we are root; else the command is named.
 *
 * @param {string} name
 * @param {string} takes how long it takes.
 * @returns {import('../types.js').Fetch}
 */
export function debianPackage(name, takes) {
  const command = `sudo apt-get install -y --no-install-recommends ${name}`;
  return {
    what: `the Debian package ${name}: apt-get install, for the whole machine, ${takes}. Where the package starts a server by itself, that one is left alone`,
    obstacle() {
      if (findProgram('apt-get', { usual: ['/usr/bin'] }) === undefined) {
        return {
          why: `${name} is not on PATH, and this system has no apt-get`,
          command: `install ${name} with your system's package manager`,
        };
      }
      if (process.getuid?.() !== 0)
        return { why: `${name} is not on PATH, and only root may install it`, command };
      return undefined;
    },
    async run() {
      const env = { DEBIAN_FRONTEND: 'noninteractive' };
      // Another apt-get may be at work; without waiting, the lock is an error.
      const wait = ['-o', 'DPkg::Lock::Timeout=300'];
      await runCommand('apt-get', [...wait, 'update', '-q'], { env });
      await runCommand('apt-get', [...wait, 'install', '-q', '-y', '--no-install-recommends', name], { env });
    },
  };
}
