import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

jest.setTimeout(120_000); // each starts a process

const root = join(__dirname, '../..');

function run(script: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(root, script), ...args], {
    encoding: 'utf8',
  });
  return { status, lines: (stdout + stderr).trimEnd().split('\n') };
}

describe('options of the scripts', () => {
  it.each([
    'scripts/soak.mjs',
    'scripts/services.mjs',
    'scripts/demo.mjs',
    'scripts/api.mjs',
    'bench/run.mjs',
  ])('%s says in two lines what is wrong and how it is used, and ends with 2', (script) => {
    const { status, lines } = run(script, '--no-such-option');
    expect({ status, lines }).toEqual({
      status: 2,
      lines: ["Unknown option '--no-such-option'.", expect.stringMatching(/^Usage: npm run /)],
    });
  });

  it.each([
    ['scripts/soak.mjs', ['--minutes', 'ten']],
    ['scripts/soak.mjs', ['--seed']],
    ['scripts/soak.mjs', ['kafka']],
    ['scripts/demo.mjs', ['--amqp']],
    ['bench/run.mjs', ['--rounds', '0']],
    ['bench/run.mjs', ['no-such-benchmark']],
  ])('a wrong value does the same: %s %j', (script, args) => {
    const { status, lines } = run(script, ...args);
    expect({ status, lines }).toEqual({
      status: 2,
      lines: [expect.any(String), expect.stringMatching(/^Usage: npm run /)],
    });
  });

  it('--help is no mistake', () => {
    expect(run('scripts/soak.mjs', '--help')).toEqual({
      status: 0,
      lines: [expect.stringMatching(/^Usage: npm run soak -- /)],
    });
  });
});
