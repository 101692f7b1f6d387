import { existsSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { transform } from '@swc/core';

// The table of entry points, `paths` in tsconfig.json, without the compiler: it would make each child half a second later.
const tsconfig = new URL('../../../../tsconfig.json', import.meta.url);
const table = readFileSync(tsconfig, 'utf8').matchAll(/"(@colorway\/[^"]+)": \["([^"]+)"\]/g);
const sources = new Map(
  Array.from(table, ([, specifier, source]) => [specifier, new URL(source, tsconfig).href]),
);

export function resolve(specifier, context, next) {
  const source = sources.get(specifier);
  if (source !== undefined) return { url: source, shortCircuit: true };
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
    const url = new URL(specifier.replace(/\.js$/, '.ts'), context.parentURL);
    if (existsSync(fileURLToPath(url))) return { url: url.href, shortCircuit: true };
  }
  return next(specifier, context);
}

export async function load(url, context, next) {
  if (!url.endsWith('.ts')) return next(url, context);
  const filename = fileURLToPath(url);
  const { code } = await transform(await readFile(filename, 'utf8'), {
    filename,
    sourceMaps: 'inline',
    jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
    module: { type: 'es6' },
  });
  return { format: 'module', source: code, shortCircuit: true };
}
