import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describeWithServers } from './jest/describe-with-servers.mjs';

const ROOT = join(__dirname, '../..');
const JEST = join(dirname(require.resolve('jest/package.json')), 'bin/jest.js');

/** jest on fixtures, in a process of its own. */
function runJest(pattern: string, env: NodeJS.ProcessEnv) {
  const args = [JEST, '--testMatch', `**/test/services/fixtures/${pattern}.fixture.ts`];
  const { SERVERS, CI, ...inherited } = process.env;
  const result = spawnSync(process.execPath, args, {
    cwd: ROOT,
    env: { ...inherited, ...env },
    encoding: 'utf8',
  });
  return { status: result.status, output: result.stdout + result.stderr };
}

describe('a suite whose server cannot be had', () => {
  // Nothing on PATH: no Java.
  const bare = { PATH: '/nowhere', JAVA_HOME: '', KAFKA_BROKERS: '', COLORWAY_SERVICES: '' };

  test('is skipped, and the run closes with its name, the reason and the command', () => {
    const { status, output } = runJest('kafka', bare);
    expect(output).toMatch(/Tests: +1 skipped, 1 total/);
    const end = output.slice(output.indexOf('NOT RUN'));
    expect(end).toContain('test/services/fixtures/kafka.fixture.ts: a suite on Kafka');
    expect(end).toMatch(/Java 17 or newer, which runs it, is not on PATH\. Get it: sudo apt-get install/);
    expect(status).toBe(0);
  }, 60_000);

  test('fails in CI', () => {
    const { status, output } = runJest('kafka', { ...bare, CI: 'true' });
    expect(output).toMatch(/Tests: +1 failed, 1 total/);
    expect(output).toContain('Java 17 or newer, which runs it, is not on PATH');
    expect(status).toBe(1);
  }, 60_000);

  test('is told of too when SERVERS leaves it out', () => {
    const { output } = runJest('kafka', { SERVERS: 'redis' });
    expect(output).toMatch(/Tests: +1 skipped, 1 total/);
    expect(output.slice(output.indexOf('NOT RUN'))).toContain('left out by SERVERS=redis');
  }, 60_000);

  test('an unknown name in SERVERS fails the run', () => {
    const { status, output } = runJest('kafka', { SERVERS: 'kafak' });
    expect(output).toContain('There is no server "kafak"');
    expect(status).toBe(1);
  }, 60_000);
});

describeWithServers(['redis'], 'shared servers', (servers) => {
  test('refuse to be killed', async () => {
    await expect(servers.redis.kill()).rejects.toMatchObject({ code: 'SERVICE_NOT_OURS' });
  });

  test('are one for all suites of a run, and end with it', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'colorway-fixture-'));
    try {
      const file = join(folder, 'urls');
      const { status, output } = runJest('redis-*', { FIXTURE_OUTPUT: file, REDIS_URL: '' });
      expect({ status, output }).toMatchObject({ status: 0 });
      const [one, two] = readFileSync(file, 'utf8').split('\n');
      expect(one).toBe(two);
      expect(one).not.toBe(servers.redis.url);
      await expect(fetch(String(one).replace('redis:', 'http:'))).rejects.toThrow('fetch failed');
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 60_000);
});
