import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** Quoted strings that look like a code, and are the metadata of an instance in Nacos. */
const NO_CODES = ['COLORWAY_INSTANCE'];
/** Of the environment; they stand in a table of the guide, too. */
const VARIABLES = ['COLORWAY_SERVICE', 'COLORWAY_DIRECTORY', 'COLORWAY_STATE', 'COLORWAY_FOLDER'];

const sources = readdirSync(join(ROOT, 'packages'))
  .flatMap((name) => {
    const folder = join('packages', name, 'src');
    const files = readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' });
    return files.filter((file) => file.endsWith('.ts')).map((file) => join(folder, file));
  })
  .map(read);
const codes = new Set(
  sources.flatMap((text) => Array.from(text.matchAll(/'(COLORWAY_[A-Z_]+)'/g), ([, code = '']) => code)),
);
/** Reported, and not only thrown. */
const reported = sources.flatMap((text) =>
  Array.from(
    text.matchAll(/\b(?:warn|error|once|failure|failing|warnOnce)\(\s*'(COLORWAY_[A-Z_]+)'/g),
    ([, code = '']) => code,
  ),
);
const thrown = new Set(
  Array.from(
    read('packages/core/src/errors.ts').matchAll(/^ {2}(COLORWAY_[A-Z_]+): \d/gm),
    ([, code = '']) => code,
  ),
);

/** The codes in the first column of a page's tables. */
function firstColumn(path: string): Set<string> {
  const rows = read(path)
    .split('\n')
    .filter((line) => line.startsWith('| `COLORWAY_'));
  const cells = rows.map((row) => row.split('|')[1] ?? '');
  const found = cells.flatMap((cell) => Array.from(cell.matchAll(/`(\w+)`/g), ([, code = '']) => code));
  return new Set(found.filter((code) => !VARIABLES.includes(code)));
}

const documented = firstColumn('docs/warnings.md');

it('docs/warnings.md has every code that is reported', () => {
  const wanted = [...codes].filter(
    (code) => !thrown.has(code) && ![...NO_CODES, ...VARIABLES].includes(code),
  );
  expect(wanted.length).toBeGreaterThan(40);
  expect([...new Set([...wanted, ...reported])].filter((code) => !documented.has(code))).toEqual([]);
});

it('docs/warnings.md has no code that the sources do not have', () => {
  expect([...documented].filter((code) => !codes.has(code))).toEqual([]);
});

it('the table of errors in docs/guide.md has every code of ColorwayError, and no other', () => {
  expect([...firstColumn('docs/guide.md')].sort()).toEqual([...thrown].sort());
});

it('the table of variables in docs/guide.md has those that the sources read', () => {
  const rows = read('docs/guide.md').match(/^\| `COLORWAY_[A-Z]+` \| `(service|directory|folder)`/gm) ?? [];
  expect(rows.map((row) => row.split('`')[1]).sort()).toEqual([...VARIABLES].sort());
});

it('links of docs/warnings.md lead to headings', () => {
  const links = Array.from(read('docs/warnings.md').matchAll(/\]\(([\w-]+\.md)#([\w-]+)\)/g));
  expect(links.length).toBeGreaterThan(3);
  for (const [, page = '', anchor] of links) {
    const anchors = Array.from(read(`docs/${page}`).matchAll(/^#+ (.+)$/gm), ([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(' ', '-')
        .replaceAll(/[^\w-]/g, ''),
    );
    expect(anchors).toContain(anchor);
  }
});
