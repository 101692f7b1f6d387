import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatDuration, parseDuration } from '../src/duration.js';
import { EXIT } from '../src/index.js';
import { Shell } from './shell.js';

describe('durations', () => {
  it.each([
    ['90s', 90_000],
    ['1.5h', 5_400_000],
    ['3d', 259_200_000],
    ['1w', 604_800_000],
  ])('%s is %d ms', (text, ms) => expect(parseDuration(text)).toBe(ms));

  it.each(['', '3', 'd', '0s', '-1d', '3 d', '3days', '1e3s'])('%p is refused, with the remedy', (text) =>
    expect(() => parseDuration(text)).toThrow(/90s, 12h, 3d/),
  );

  it.each([
    [0, '0s'],
    [8_000, '8s'],
    [3_600_000, '1h'],
    [273_600_000, '3d 4h'],
    [86_400_000 + 1_000, '1d'],
  ])('%d ms reads %s', (ms, text) => expect(formatDuration(ms)).toBe(text));
});

describe('usage', () => {
  it('tells what there is', async () => {
    const { status, out } = await new Shell().run('--help');
    expect(status).toBe(EXIT.done);
    expect(out).toContain('COLORWAY_DIRECTORY');
    expect(out).toContain('explain');
  });

  it('refuses an unknown command, and a wrong duration', async () => {
    const shell = new Shell();
    expect(await shell.run('environment')).toMatchObject({
      status: EXIT.usage,
      err: expect.stringContaining('unknown command'),
    });
    const wrong = await shell.run('env', 'create', 'feat-cart', '--ttl', 'soon');
    expect(wrong).toMatchObject({ status: EXIT.usage, err: expect.stringContaining('90s, 12h, 3d') });
  });

  it('tells wrong usage in JSON when asked to', async () => {
    const { status, err } = await new Shell().run('--json', 'env', 'create');
    expect(status).toBe(EXIT.usage);
    expect(JSON.parse(err.split('\n')[0] ?? '')).toMatchObject({ error: { code: 'USAGE' } });
  });

  it('names an address that it does not know', async () => {
    const shell = new Shell();
    shell.env.COLORWAY_DIRECTORY = 'zookeeper://127.0.0.1';
    expect(await shell.run('env', 'list')).toMatchObject({
      status: EXIT.usage,
      err: expect.stringMatching(/zookeeper.*consul:/s),
    });
  });
});

describe('configuration', () => {
  it('that is not there is wrong usage where a folder would be seen by nobody', async () => {
    const shell = new Shell();
    shell.env.COLORWAY_DIRECTORY = '';
    shell.env.NODE_ENV = 'production';
    expect(await shell.run('env', 'create', 'feat-cart')).toMatchObject({
      status: EXIT.usage,
      err: expect.stringMatching(/in production.*COLORWAY_DIRECTORY=consul:.*colorway\.config\.json.*=file:/),
    });
  });

  it('is a module that makes the directory', async () => {
    const shell = new Shell();
    await shell.run('env', 'create', 'feat-cart');
    const address = shell.env.COLORWAY_DIRECTORY;
    delete shell.env.COLORWAY_DIRECTORY;
    writeFileSync(join(shell.folder, 'other.json'), JSON.stringify({ directory: address }));
    expect((await shell.run('env', 'list', '--config', 'other.json')).out).toContain('feat-cart');
    shell.env.COLORWAY_CONFIG = 'other.json';
    expect((await shell.run('env', 'list')).out).toContain('feat-cart');
  });

  it.each([
    ['that is not there', undefined, 'cannot be read'],
    ['that is no JSON', '{', 'cannot be read'],
    ['that names no directory', '{}', 'names no directory'],
  ])('%s is named', async (_, text, message) => {
    const shell = new Shell();
    if (text !== undefined) writeFileSync(join(shell.folder, 'wrong.json'), text);
    expect(await shell.run('env', 'list', '--config', 'wrong.json')).toMatchObject({
      status: EXIT.usage,
      err: expect.stringContaining(message),
    });
  });
});
