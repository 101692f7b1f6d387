import { mkdir, realpath, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { serviceOfProcess } from '../src/coloring/service-of-process.js';
import { temporaryFolder } from './support/clean-up.js';

/** A folder with these files; a text is the name in a package.json, or its whole text. */
async function laidOut(files: Readonly<Record<string, string>>): Promise<string> {
  const root = await realpath(await temporaryFolder());
  for (const [path, text] of Object.entries(files)) {
    const isManifest = path.endsWith('package.json') && !text.startsWith('{');
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), isManifest ? JSON.stringify({ name: text }) : text);
  }
  return root;
}

const SHOP = {
  'package.json': 'shop',
  'order/package.json': '@shop/order',
  'order/dist/package.json': '{ "type": "module" }',
  'order/dist/main.js': '',
  'order/node_modules/tool/package.json': 'tool',
  'order/node_modules/tool/cli.js': '',
};

describe('the service of a process', () => {
  it.each([
    ['the option', 'stock', { COLORWAY_SERVICE: 'a', OTEL_SERVICE_NAME: 'b' }, 'stock'],
    ['COLORWAY_SERVICE', undefined, { COLORWAY_SERVICE: 'a', OTEL_SERVICE_NAME: 'b' }, 'a'],
    ['OTEL_SERVICE_NAME', undefined, { COLORWAY_SERVICE: '', OTEL_SERVICE_NAME: 'b' }, 'b'],
    ['package.json', undefined, {}, 'order'],
  ])('comes from %s', async (_source, option, env, expected) => {
    const root = await laidOut(SHOP);
    const script = join(root, 'order/dist/main.js');
    expect(serviceOfProcess(option, { env, script, cwd: '/' })).toBe(expected);
  });

  it.each([
    ['the script', 'order/dist/main.js', '.', 'order'],
    ['the folder that node runs', 'order', '.', 'order'],
    ['the working folder, where a tool runs the code', 'order/node_modules/tool/cli.js', 'order', 'order'],
    ['the working folder, where there is no script', undefined, 'order/dist', 'order'],
    ['the working folder, where the script is no file', 'no-such-file', '.', 'shop'],
  ])('is looked for from %s', async (_place, script, cwd, expected) => {
    const root = await laidOut(SHOP);
    const from = script === undefined ? undefined : join(root, script);
    expect(serviceOfProcess(undefined, { env: {}, script: from, cwd: join(root, cwd) })).toBe(expected);
  });

  it('follows a link to the script', async () => {
    const root = await laidOut(SHOP);
    await symlink(join(root, 'order/dist/main.js'), join(root, 'start'));
    expect(serviceOfProcess(undefined, { env: {}, script: join(root, 'start'), cwd: '/' })).toBe('order');
  });

  it('that nobody names is an error that says how to', async () => {
    const root = await laidOut({ 'main.js': '', 'package.json': 'no json' });
    await writeFile(join(root, 'package.json'), 'no json');
    expect(() => serviceOfProcess(undefined, { env: {}, script: join(root, 'main.js'), cwd: '/' })).toThrow(
      expect.objectContaining({
        code: 'COLORWAY_INVALID_OPTION',
        message: expect.stringMatching(/^service: missing.*COLORWAY_SERVICE=order.*package\.json/),
      }),
    );
  });

  it.each([
    ['COLORWAY_SERVICE', { COLORWAY_SERVICE: 'a b' }],
    ['OTEL_SERVICE_NAME', { OTEL_SERVICE_NAME: 'a b' }],
  ])('that is none names %s and its value', (name, env) => {
    expect(() => serviceOfProcess(undefined, { env, script: undefined, cwd: '/' })).toThrow(
      expect.objectContaining({
        code: 'COLORWAY_INVALID_OPTION',
        message: expect.stringMatching(new RegExp(`^${name}: "a b" is not a service name.*COLORWAY_SERVICE`)),
      }),
    );
  });

  it('that package.json names badly says which file', async () => {
    const root = await laidOut({ 'package.json': 'a b' });
    expect(() => serviceOfProcess(undefined, { env: {}, script: undefined, cwd: root })).toThrow(
      expect.objectContaining({ message: expect.stringContaining(join(root, 'package.json')) }),
    );
  });
});
