import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(__dirname, '../..');

/** `- \`file\` "title", "title"` */
const guards = readFileSync(join(ROOT, 'docs/laws.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const file = line.match(/^- `([^`]+)`/)?.[1];
    if (file === undefined) return [];
    return Array.from(line.matchAll(/"([^"]+)"/g), ([, title = '']) => [file, title] as const);
  });

it('docs/laws.md names guards', () => {
  expect(guards.length).toBeGreaterThan(20);
});

it.each(guards)('%s has "%s"', (file, title) => {
  expect(readFileSync(join(ROOT, file), 'utf8')).toContain(title);
});
