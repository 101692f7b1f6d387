// The entry points of the published packages, read from the one table that names them: `paths` in tsconfig.json.
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** [{ specifier: '@colorway/http/express', source: 'packages/http/src/server/express.ts' }, ...] */
export function entryPoints() {
  const { config, error } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'));
  return Object.entries(config.compilerOptions.paths).map(([specifier, [source]]) => ({
    specifier,
    source: source.replace(/^\.\//, ''),
  }));
}

/** The packages in build order (core first, as the table has them), each with its entries: name -> source inside the package. */
export function packages() {
  const found = new Map();
  for (const { specifier, source } of entryPoints()) {
    const [, directory, inPackage] = /^(packages\/[^/]+)\/(.+)$/.exec(source);
    const name = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
    const entry = specifier.slice(name.length + 1) || 'index';
    const known = found.get(name) ?? { name, directory: join(root, directory), entries: {} };
    known.entries[entry] = inPackage;
    found.set(name, known);
  }
  return [...found.values()];
}
