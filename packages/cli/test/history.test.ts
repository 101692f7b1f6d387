import { userInfo } from 'node:os';
import { EXIT } from '../src/index.js';
import { Shell } from './shell.js';

const ME = userInfo().username;

it('tells who made an environment, and who changed it, when and why', async () => {
  const shell = new Shell();
  await shell.run('env', 'create', 'red', '--services', 'order,stock');
  await shell.run('env', 'extend', 'red', '--ttl', '2w', '--reason', 'the test takes\u001b[2J longer');
  await shell.run('env', 'withdraw', 'red', 'stock', '--yes', '--no-wait');
  const { documents } = await shell.run('env', 'history', 'red', '--json');
  expect(documents).toEqual([
    {
      color: 'red',
      changes: [
        { act: 'created', at: expect.any(Number), by: ME },
        { act: 'extended', at: expect.any(Number), by: ME, reason: 'the test takes\u001b[2J longer' },
        { act: 'withdrawn', at: expect.any(Number), by: ME, service: 'stock' },
      ],
    },
  ]);
  const { out } = await shell.run('env', 'history', 'red');
  expect(out).toMatch(/WHEN +WHO +WHAT +WHY\n/);
  expect(out).toContain('extended         the test takes\\u001b[2J longer');
  expect(out).toContain('withdrawn stock');
  expect(await shell.run('env', 'history', 'blue')).toMatchObject({ status: EXIT.unknownEnvironment });
});

it.each([
  ['extend', []],
  ['delete', []],
  ['withdraw', ['order']],
])("%s asks before it touches another's environment, and --yes answers", async (command, more) => {
  const shell = new Shell();
  await shell.run('env', 'create', 'red', '--services', 'order', '--owner', 'nobody-here');
  const asked = await shell.run('env', command, 'red', ...more);
  expect(asked).toMatchObject({
    status: EXIT.usage,
    err: expect.stringContaining(`IT BELONGS TO nobody-here, and you are ${ME}.`),
  });
  expect((await shell.run('env', 'history', 'red', '--json')).documents).toMatchObject([
    { changes: [{ act: 'created' }] },
  ]);
  expect(await shell.run('env', command, 'red', ...more, '--yes')).toMatchObject({ status: EXIT.done });
});

it('does not ask before it extends your own', async () => {
  const shell = new Shell();
  await shell.run('env', 'create', 'red');
  expect(await shell.run('env', 'extend', 'red')).toMatchObject({ status: EXIT.done });
});
