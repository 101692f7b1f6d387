import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

const ROOT = join(__dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const { exports, dependencies } = JSON.parse(read('packages/colorway/package.json'));
const { compilerOptions } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (path) =>
  readFileSync(path, 'utf8'),
).config;

/** For users; architecture.md is for contributors. */
const PAGES = [
  'README.md',
  'packages/colorway/README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md') && name !== 'architecture.md')
    .map((name) => `docs/${name}`),
];

interface Imported {
  readonly page: string;
  readonly from: string;
  readonly names: readonly string[];
}

/** What the samples of a page import, by module. */
function importsOf(page: string): Imported[] {
  const samples = Array.from(read(page).matchAll(/^```(?:ts|js)\n(.*?)^```/gms), ([, sample = '']) => sample);
  return samples.flatMap((sample) =>
    ts.createSourceFile('sample.ts', sample, ts.ScriptTarget.ES2022).statements.flatMap((statement) => {
      if (!ts.isImportDeclaration(statement)) return [];
      const { importClause, moduleSpecifier } = statement;
      const from = (moduleSpecifier as ts.StringLiteral).text;
      const bindings = importClause?.namedBindings;
      const names =
        bindings !== undefined && ts.isNamedImports(bindings)
          ? bindings.elements.map(({ name, propertyName }) => (propertyName ?? name).text)
          : [];
      return [{ page, from, names }];
    }),
  );
}

const imports = PAGES.flatMap(importsOf);
const ours = imports.filter(({ from }) => /^(@colorway\/|colorway(\/|$))/.test(from));

/** The names of values and types that an entry point of the package has. */
function namesOf(specifier: string): string[] {
  const [source = ''] = compilerOptions.paths[specifier] ?? [];
  return Array.from(read(source).matchAll(/[A-Za-z]+/g), ([name]) => name);
}

it('samples import from the one package that the README installs', () => {
  expect(ours.length).toBeGreaterThan(20);
  expect(ours.filter(({ from }) => from.startsWith('@colorway/'))).toEqual([]);
});

it.each(ours)('$page: $from has $names', ({ from, names }) => {
  expect(Object.keys(exports)).toContain(from.replace(/^colorway/, '.'));
  expect(namesOf(from)).toEqual(expect.arrayContaining([...names]));
});

it('the README says how to install what its samples import', () => {
  const installed = Array.from(
    read('README.md').matchAll(/^npm install (.+?)\s*(?:#.*)?$/gm),
    ([, names = '']) => names.split(' '),
  ).flat();
  expect(installed).toContain('colorway');
  const others = imports.filter(
    ({ page, from }) => page === 'README.md' && !/^(colorway|node:|\.)/.test(from),
  );
  expect(
    others
      .map(({ from }) => from)
      .filter((name) => ![...installed, ...Object.keys(dependencies)].includes(name)),
  ).toEqual([]);
});

it('no page tells to install a part', () => {
  for (const page of PAGES) expect(read(page)).not.toMatch(/npm install .*@colorway\/|npx @colorway/);
});

it('examples import the one package', () => {
  const folder = 'examples/src/shop';
  const sources = readdirSync(join(ROOT, folder)).map((name) => read(join(folder, name)));
  expect(sources.join('')).not.toContain('@colorway/');
  expect(sources.join('')).toContain("from 'colorway'");
});
