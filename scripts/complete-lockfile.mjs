// Run after `npm install` has written package-lock.json (`npm run lock` does both). npm leaves out the optional packages
// that the registry in use does not carry, such as other systems' binaries, and `npm ci` then refuses the lockfile.
// Their versions are known (the parent pins them exactly) and npm never fetches those of another system: write them in.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/entries.mjs';

const path = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
const SYSTEM =
  /(?<os>android|darwin|freebsd|linux|openharmony|win32)-(?<cpu>arm64|arm|ia32|loong64|ppc64|riscv64|s390x|x64)(-(?<abi>.+))?$/;

let added = 0;
for (const [location, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`;
    const system = SYSTEM.exec(name)?.groups;
    if (!location || !system || !/^\d/.test(version)) continue;
    if (place in lock.packages || `${location}/${place}` in lock.packages) continue;
    const { os, cpu, abi } = system;
    const libc = os !== 'linux' || !abi ? {} : { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] };
    lock.packages[place] = {
      version,
      cpu: [cpu],
      ...(entry.dev ? { dev: true } : {}),
      ...libc,
      optional: true,
      os: [os],
    };
    added++;
  }
}
if (added > 0) {
  const { '': self, ...rest } = lock.packages;
  const sorted = Object.entries(rest).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = { '': self, ...Object.fromEntries(sorted) };
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}
console.log(`package-lock.json: ${added} optional packages of other systems written in`);
