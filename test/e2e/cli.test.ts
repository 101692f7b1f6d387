import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const BIN = resolve(__dirname, '../../packages/cli/bin/colorway.js');

/** The command as it is installed: a process of its own, from the built package. */
describe('colorway, the command', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'colorway-bin-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const run = (...args: string[]) =>
    new Promise<{ status: number | null; out: string; err: string }>((done) => {
      const child = spawn(process.execPath, [BIN, ...args], {
        env: { ...process.env, COLORWAY_DIRECTORY: `file://${folder}`, COLORWAY_CONFIG: '' },
      });
      let out = '';
      let err = '';
      child.stdout.on('data', (text) => {
        out += text;
      });
      child.stderr.on('data', (text) => {
        err += text;
      });
      child.on('close', (status) => done({ status, out, err }));
    });

  it('keeps what it made for the next call, and ends with the documented status', async () => {
    expect(await run('env', 'create', 'feat-cart', '--services', 'order')).toMatchObject({
      status: 0,
      err: '',
    });
    expect(await run('env', 'list', '--json')).toMatchObject({
      status: 0,
      out: expect.stringContaining('feat-cart'),
    });
    expect(await run('env', 'status', 'feat-cart')).toMatchObject({ status: 3 });
    expect(await run('env', 'status', 'feat-tart')).toMatchObject({ status: 4 });
    expect(await run('env', 'delete', 'feat-cart')).toMatchObject({
      status: 2,
      err: expect.stringContaining('--yes'),
    });
    expect(await run('env', 'delete', 'feat-cart', '--yes')).toMatchObject({ status: 0 });
    expect(await run('--version')).toMatchObject({ status: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+/) });
  }, 60_000);
});
