// Run after `npm install` has written package-lock.json (`npm run lock` does both). npm leaves out the optional packages
// that it did not install, such as other systems' binaries, and `npm ci` then refuses the lockfile. Their versions are known
// (the parent pins them exactly): write them in. Then npm reads their digests, in a folder where nothing is installed: a
// package without one would be taken as it comes.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from './lib/entries.mjs';
import { npm } from './lib/npm.mjs';

const path = join(root, 'package-lock.json');
const lock = JSON.parse(readFileSync(path, 'utf8'));
const SYSTEM =
  /(?<os>android|darwin|freebsd|linux|openharmony|win32)-(?<cpu>arm64|arm|ia32|loong64|ppc64|riscv64|s390x|x64)(-(?<abi>.+))?$/;

const added = writeIn(lock);
const learned = learnDigests(lock);
if (added + learned > 0) {
  const { '': self, ...rest } = lock.packages;
  const sorted = Object.entries(rest).sort(([a], [b]) => a.localeCompare(b, 'en'));
  lock.packages = { '': self, ...Object.fromEntries(sorted) };
  writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
}
console.log(
  `package-lock.json: ${added} optional packages of other systems written in, ${learned} digests learned`,
);
const without = locked(lock).filter(([, { integrity }]) => integrity === undefined);
for (const [place] of without) console.log(`${place} has no integrity: the registry does not tell it`);
if (without.length > 0) process.exitCode = 1;

function writeIn({ packages }) {
  let count = 0;
  for (const [location, entry] of Object.entries(packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const place = `node_modules/${name}`;
      const system = SYSTEM.exec(name)?.groups;
      if (!location || !system || !/^\d/.test(version)) continue;
      if (place in packages || `${location}/${place}` in packages) continue;
      const { os, cpu, abi } = system;
      const libc = os !== 'linux' || !abi ? {} : { libc: [abi.startsWith('musl') ? 'musl' : 'glibc'] };
      const dev = entry.dev ? { dev: true } : {};
      packages[place] = { version, cpu: [cpu], ...dev, ...libc, optional: true, os: [os] };
      count++;
    }
  }
  return count;
}

/** What is fetched from a registry: neither workspaces nor links to them. */
function locked({ packages }) {
  return Object.entries(packages).filter(([place, { link }]) => place.includes('node_modules/') && !link);
}

function learnDigests(written) {
  const unknown = locked(written).filter(([, { integrity }]) => integrity === undefined);
  if (unknown.length === 0) return 0;
  const folder = mkdtempSync(join(tmpdir(), 'colorway-lock-'));
  try {
    const workspaces = Object.keys(written.packages).filter((place) => !place.includes('node_modules/'));
    for (const file of [...workspaces.map((place) => join(place, 'package.json')), '.npmrc']) {
      if (!existsSync(join(root, file))) continue;
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      copyFileSync(join(root, file), join(folder, file));
    }
    // Only what is not in the lockfile is asked for.
    const rest = { ...written.packages };
    for (const [place] of unknown) delete rest[place];
    const target = join(folder, 'package-lock.json');
    writeFileSync(target, JSON.stringify({ ...written, packages: rest }));
    const options = [
      '--package-lock-only',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ];
    npm(['install', ...options], { cwd: folder });
    const { packages: told } = JSON.parse(readFileSync(target, 'utf8'));
    let count = 0;
    for (const [place, entry] of unknown) {
      const one = told[place];
      if (one?.version !== entry.version || one.integrity === undefined) continue;
      written.packages[place] = one;
      count++;
    }
    return count;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
