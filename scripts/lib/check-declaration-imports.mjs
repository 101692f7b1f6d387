import { readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { basename, join } from 'node:path';
import ts from 'typescript';
import { root } from './entries.mjs';
import { filesUnder } from './files.mjs';

/**
 * A declaration may import only what its reader has for certain: dependencies and required peers. An optional peer may be
 * named in the entry point of the same name alone, or in a chunk named after it (dist/koa.d.ts may import koa,
 * dist/undici-<hash>.d.ts undici): who imports that has the peer.
 */
export function checkDeclarationImports(packages) {
  return packages.flatMap(({ directory }) => {
    const manifest = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'));
    const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = manifest;
    const allowed = (specifier, file) => {
      if (specifier.startsWith('.') || isBuiltin(specifier)) return true;
      const name = specifier
        .split('/')
        .slice(0, specifier.startsWith('@') ? 2 : 1)
        .join('/');
      if (name in peerDependencies && peerDependenciesMeta[name]?.optional)
        return basename(file).split(/[.-]/)[0] === name;
      return name in dependencies || name in peerDependencies;
    };
    return ['.d.ts', '.d.cts']
      .flatMap((ending) => filesUnder(join(directory, 'dist'), ending))
      .flatMap((file) =>
        ts
          .preProcessFile(readFileSync(file, 'utf8'))
          .importedFiles.filter(({ fileName }) => !allowed(fileName, file))
          .map(
            ({ fileName }) =>
              `${file.slice(root.length + 1)} imports '${fileName}', which its user may not have`,
          ),
      );
  });
}
