import { userInfo } from 'node:os';
import { fileDirectory } from '@colorway/registry/file';
import { EXIT } from '../src/index.js';
import { Shell } from './shell.js';

const ME = userInfo().username;

it('sets bounds, shows them with who set them and why, and takes them away', async () => {
  const shell = new Shell();
  expect((await shell.run('policy', '--json')).documents).toEqual([
    { readable: true, bounds: {}, changes: [] },
  ]);
  await shell.run('policy', 'set', '--max-ttl', '3d', '--max-environments-per-owner', '5');
  await shell.run('policy', 'set', '--max-weight', '10', '--reason', 'one took\u001b[2J all');
  const { documents } = await shell.run('policy', '--json');
  expect(documents).toEqual([
    {
      readable: true,
      bounds: { maxTtlMs: 259_200_000, maxEnvironmentsPerOwner: 5, maxWeight: 10 },
      changes: [
        { at: expect.any(Number), by: ME, bounds: { maxTtlMs: 259_200_000, maxEnvironmentsPerOwner: 5 } },
        { at: expect.any(Number), by: ME, reason: 'one took\u001b[2J all', bounds: { maxWeight: 10 } },
      ],
    },
  ]);
  const { out } = await shell.run('policy');
  expect(out).toMatch(/longest life of an environment +3d +--max-ttl\n/);
  expect(out).toContain('max-ttl 3d, max-environments-per-owner 5');
  expect(out).toContain('one took\\u001b[2J all');
  const taken = await shell.run('policy', 'set', '--max-ttl', 'none', '--json');
  expect(taken.documents).toMatchObject([{ bounds: { maxEnvironmentsPerOwner: 5, maxWeight: 10 } }]);
});

it('refuses what the policy does not allow, with the bound, who set it, and what to do', async () => {
  const shell = new Shell();
  await shell.run('policy', 'set', '--max-ttl', '3d', '--max-environments-per-owner', '1');
  expect(await shell.run('env', 'create', 'red', '--ttl', '2w')).toMatchObject({
    status: EXIT.failed,
    err: expect.stringMatching(new RegExp(`14 days.*3 days.*"${ME}".*colorway policy set --max-ttl`)),
  });
  expect(await shell.run('env', 'create', 'red')).toMatchObject({ status: EXIT.done });
  expect(await shell.run('env', 'extend', 'red')).toMatchObject({
    status: EXIT.done,
    out: expect.stringMatching(/\((3d|2d)/),
  });
  expect(await shell.run('env', 'extend', 'red', '--ttl', '1w')).toMatchObject({ status: EXIT.failed });
  expect(await shell.run('env', 'create', 'blue')).toMatchObject({
    status: EXIT.failed,
    err: expect.stringContaining('colorway env delete'),
  });
});

it.each([
  [[]],
  [['--max-ttl', '5']],
  [['--max-ttl', '10m']],
  [['--max-environments-per-owner', '0']],
  [['--max-environments-per-owner', '1.5']],
  [['--max-weight', '-1']],
  [['--max-weight', '1e300']],
])('sets nothing for: policy set %p', async (args) => {
  const shell = new Shell();
  const ran = await shell.run('policy', 'set', ...args);
  expect(ran.status).not.toBe(EXIT.done);
  expect(ran.err).not.toBe('');
  expect((await shell.run('policy', '--json')).documents).toMatchObject([{ bounds: {}, changes: [] }]);
});

it('says that one that others wrote cannot be read, and sets it anew', async () => {
  const shell = new Shell();
  const directory = fileDirectory({ folder: shell.env.COLORWAY_DIRECTORY?.slice('file://'.length) ?? '' });
  await directory.state.create('policy', 'max: 7');
  await directory.close();
  expect((await shell.run('policy')).out).toContain('cannot be read: nothing is bounded');
  expect(await shell.run('env', 'create', 'red', '--ttl', '50w')).toMatchObject({ status: EXIT.done });
  expect((await shell.run('policy', 'set', '--max-weight', '5')).out).toMatch(
    /greatest weight of an instance +5 /,
  );
});
