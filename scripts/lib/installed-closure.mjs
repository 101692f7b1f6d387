import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { root } from './entries.mjs';

/** The directories of these installed packages and of all that they depend on, without what is optional. */
export function installedClosure(directories) {
  const found = new Map(); // name@version -> directory
  const queue = [...directories];
  for (let directory = queue.shift(); directory !== undefined; directory = queue.shift()) {
    const {
      name,
      version,
      dependencies = {},
    } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    if (found.has(`${name}@${version}`)) continue;
    found.set(`${name}@${version}`, directory);
    for (const dependency of Object.keys(dependencies))
      if (!dependency.startsWith('@colorway/')) queue.push(resolve(dependency, directory));
  }
  return [...found.values()];
}

function resolve(name, from) {
  for (let directory = from; ; directory = dirname(directory)) {
    const candidate = join(directory, 'node_modules', name);
    if (existsSync(join(candidate, 'package.json'))) return candidate;
    if (directory === root || directory === dirname(directory))
      throw new Error(`${name}, which ${from} needs, is not installed: npm ci comes first`);
  }
}
