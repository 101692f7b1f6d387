import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const text = readFileSync(join(ROOT, 'docs/faults.md'), 'utf8');

/** Each section names its command, and then the titles of tests in that file. */
const sections = text.split('\n## ').flatMap((section) => {
  const path = section.match(/^`npm test -- (\S+)`/m)?.[1];
  if (path === undefined) return [];
  const titles = Array.from(section.matchAll(/^\|.*\| "(.+)" \|$/gm), ([, title = '']) => title);
  return [{ path, titles }];
});
const rows = sections.flatMap(({ path, titles }) => titles.map((title) => [path, title] as const));

it('docs/faults.md names the tests of each fault', () => {
  expect(sections).toHaveLength(7);
  expect(rows.length).toBeGreaterThan(25);
});

it.each(rows)('%s has "%s"', (path, title) => {
  const source = readFileSync(join(ROOT, `${path}.test.ts`), 'utf8');
  expect([`'${title}'`, `"${title}"`].some((literal) => source.includes(literal))).toBe(true);
});

it.each(sections)('$path has no test that docs/faults.md does not name', ({ path, titles }) => {
  const source = readFileSync(join(ROOT, `${path}.test.ts`), 'utf8');
  const found = Array.from(
    source.matchAll(/\b(?:it|test|scenario)\(\s*(['"])(.+)\1,/g),
    ([, , title]) => title,
  );
  expect(found.sort()).toEqual([...titles].sort());
});

it('every file that docs/faults.md names is there', () => {
  for (const [, file = ''] of text.matchAll(/`(test\/[\w./-]+\.ts)`/g)) {
    expect(readFileSync(join(ROOT, file), 'utf8')).not.toBe('');
  }
});
