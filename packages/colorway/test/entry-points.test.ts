import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as main from 'colorway';
import ts from 'typescript';
import { entryPoints } from '../../../scripts/lib/entries.mjs';

const ROOT = join(__dirname, '../../..');
const sources = new Map(entryPoints().map(({ specifier, source }) => [specifier, source]));

/** What an entry point re-exports, by its own name; the main one is a choice and stands below. */
const PARTS: readonly (readonly [name: string, from: readonly string[]])[] = [
  ...['express', 'fastify', 'koa', 'node', 'handlers', 'auth', 'fetch', 'undici', 'axios', 'agent'].map(
    (name) => [name, [`@colorway/http/${name}`]] as const,
  ),
  ...['kafka', 'amqp'].map((name) => [name, [`@colorway/mq/${name}`]] as const),
  ...['consul', 'etcd', 'redis', 'nacos', 'file'].map(
    (name) => [name, [`@colorway/registry/${name}`]] as const,
  ),
  ['testing', ['@colorway/mq/memory', '@colorway/registry/memory']],
];

/** Not for users, though its package has it. */
const INSIDE = ['ColoredDispatcher'];

/** Values and types, as they are written in the file of an entry point. */
function exportedNames(specifier: string): string[] {
  const file = join(ROOT, sources.get(specifier) ?? `no entry point ${specifier}`);
  const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true);
  return source.statements.flatMap((statement) => {
    if (
      ts.isExportDeclaration(statement) &&
      statement.exportClause &&
      ts.isNamedExports(statement.exportClause)
    )
      return statement.exportClause.elements.map(({ name }) => name.text);
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword);
    if (!isExported) return [];
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.map(({ name }) => name.getText());
    const isNamed =
      ts.isFunctionDeclaration(statement) ||
      ts.isClassDeclaration(statement) ||
      ts.isInterfaceDeclaration(statement) ||
      ts.isTypeAliasDeclaration(statement);
    return isNamed && statement.name ? [statement.name.text] : [];
  });
}

it.each(PARTS)('colorway/%s has all that %j have', (name, from) => {
  const expected = new Set(from.flatMap(exportedNames).filter((one) => !INSIDE.includes(one)));
  expect(expected.size).toBeGreaterThan(0);
  expect(exportedNames(`colorway/${name}`).sort()).toEqual([...expected].sort());
});

it('every entry point is in the exports of the manifest, and no other', () => {
  const { exports } = JSON.parse(readFileSync(join(ROOT, 'packages/colorway/package.json'), 'utf8'));
  const own = [...sources.keys()].filter((one) => one.split('/')[0] === 'colorway');
  const named = Object.keys(exports).filter((one) => one !== './package.json');
  expect(named.map((one) => one.replace(/^\./, 'colorway')).sort()).toEqual(own.sort());
  expect(own.sort()).toEqual(['colorway', ...PARTS.map(([name]) => `colorway/${name}`)].sort());
});

it('the main entry has what every service needs', () => {
  expect(Object.keys(main)).toEqual(
    expect.arrayContaining([
      ...['createColoring', 'withColor', 'bind', 'activeColor', 'isColorwayError', 'ColoringPropagator'],
    ]),
  );
});
