import { existsSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

/** A file that `npm run build` makes; says so where it is missing, instead of a module error in a child process. */
export function built(path: string): string {
  const file = join(ROOT, path);
  if (existsSync(file)) return file;
  throw new Error(`${path} is missing: real processes run what is built. Run "npm run build" first.`);
}
