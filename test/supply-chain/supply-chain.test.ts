import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tarballProblems } from '../../scripts/lib/tarball-contents.mjs';

const ROOT = join(__dirname, '../..');
const names = readdirSync(join(ROOT, 'packages'));

/** The folder `colorway` is the one package that users install; the others are its parts. */
function packageName(folder: string): string {
  return folder === 'colorway' ? folder : `@colorway/${folder}`;
}

interface Locked {
  readonly integrity?: string;
  readonly link?: true;
  readonly hasInstallScript?: true;
}

function readJson(path: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
}

describe('the lockfile', () => {
  const locked = Object.entries(readJson('package-lock.json').packages as Record<string, Locked>).filter(
    ([place, { link }]) => place.includes('node_modules/') && link !== true,
  );

  it('has a digest for every package, also of other systems', () => {
    expect(locked.length).toBeGreaterThan(500);
    expect(locked.filter(([, { integrity }]) => !integrity?.startsWith('sha512-'))).toEqual([]);
  });
});

describe('what is published', () => {
  it.each(names)('%s goes out with provenance, for everybody', (name) => {
    expect(readJson(`packages/${name}/package.json`)).toMatchObject({
      license: 'Apache-2.0',
      publishConfig: { access: 'public', provenance: true },
    });
  });

  it('is in no tarball that is not on the list', () => {
    const workspaces = names.map((name) => `--workspace=packages/${name}`);
    const told = execFileSync('npm', ['pack', '--dry-run', '--json', '--silent', ...workspaces], {
      cwd: ROOT,
      encoding: 'utf8',
      shell: process.platform === 'win32',
    });
    const tarballs = Object.values(
      JSON.parse(told) as Record<string, { name: string; files: { path: string }[] }>,
    );
    expect(tarballs.map(({ name }) => name).sort()).toEqual(names.map(packageName).sort());
    const problems = tarballs.flatMap(({ name, files }) =>
      tarballProblems(
        name,
        // The build brings these; `npm test` builds, and checks the whole list.
        [...new Set([...files.map(({ path }) => path), 'LICENSE', 'dist/index.js'])],
      ),
    );
    expect(problems).toEqual([]);
  });

  it.each([
    [['README.md', 'package.json', 'dist/index.js'], 'no LICENSE'],
    [['LICENSE', 'package.json', 'dist/index.js'], 'no README.md'],
    [['LICENSE', 'README.md', 'package.json'], 'no build'],
    [['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'dist/.env'], 'has dist/.env'],
    [['LICENSE', 'README.md', 'package.json', 'dist/index.js', '.npmrc'], 'has .npmrc'],
    [['LICENSE', 'README.md', 'package.json', 'dist/index.js', 'src/index.ts'], 'has src/index.ts'],
  ])('a tarball of %j is refused: it %s', (files, problem) => {
    expect(tarballProblems('@colorway/x', files)).toEqual([expect.stringContaining(problem)]);
  });
});
