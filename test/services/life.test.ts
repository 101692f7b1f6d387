import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { exchange } from './exchange.mjs';
import { startService } from './index.mjs';
import { describeWithServers } from './jest/describe-with-servers.mjs';

const ping = async (url: string) => (await exchange(new URL(url).host, 'PING\r\n', () => true)).toString();

/** Whether any process of the group lives; one that ended and is not yet collected does not count. */
function groupLives(group: number): boolean {
  try {
    return process.kill(-group, 0);
  } catch {
    return false;
  }
}

async function until(what: string, holds: () => boolean): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (holds()) return;
    await sleep(50);
  }
  throw new Error(`after 10 s not yet: ${what}`);
}

describeWithServers(
  ['redis'],
  'a server of our own',
  (servers) => {
    test('does not answer while it is paused, and goes on after', async () => {
      servers.redis.pause();
      await expect(ping(servers.redis.url)).rejects.toThrow('did not answer');
      servers.redis.resume();
      expect(await ping(servers.redis.url)).toBe('+PONG\r\n');
    });

    test('can be killed and restarted while it is paused', async () => {
      servers.redis.pause();
      await servers.redis.kill();
      await servers.redis.restart();
      servers.redis.pause();
      await servers.redis.restart();
      expect(await ping(servers.redis.url)).toBe('+PONG\r\n');
    });

    test('shows its log over restarts', () => {
      const starts = servers.redis.logTail(1_000).match(/Ready to accept connections/g);
      expect(starts?.length).toBeGreaterThan(1);
      expect(servers.redis.logTail(2).split('\n')).toHaveLength(2);
    });

    test('is gone with its folder after stop, and says so', async () => {
      const redis = await startService('redis', { own: true });
      const { pid = 0, folder = '' } = redis;
      expect([groupLives(pid), existsSync(folder)]).toEqual([true, true]);
      await redis.stop();
      await redis.stop();
      expect([groupLives(pid), existsSync(folder)]).toEqual([false, false]);
      await expect(ping(redis.url)).rejects.toThrow('ECONNREFUSED');
      await expect(redis.restart()).rejects.toMatchObject({ code: 'SERVICE_STOPPED' });
    });

    test('that cannot start tells why with the end of its log, at once', async () => {
      const starting = startService('redis', { own: true, settings: { 'no-such-setting': '1' } });
      await expect(starting).rejects.toMatchObject({
        code: 'SERVICE_NOT_READY',
        message: expect.stringMatching(/it ended with status 1[\s\S]*no-such-setting/),
      });
    });
  },
  { own: true },
);

describeWithServers(['redis', 'rabbitmq'], 'when the process that started servers is killed with -9', () => {
  test('nothing of them is left, no process and no folder', async () => {
    const parent = spawn(
      process.execPath,
      [join(__dirname, 'fixtures/start-and-wait.mjs'), 'redis', 'rabbitmq'],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    const [line] = await new Promise<string[]>((resolve) =>
      createInterface({ input: parent.stdout }).once('line', (it) => resolve([it])),
    );
    const services: { pid: number; folder: string }[] = JSON.parse(line ?? '[]');
    const left = () => services.filter(({ pid, folder }) => groupLives(pid) || existsSync(folder));
    expect(left()).toHaveLength(2);

    parent.kill('SIGKILL');
    await until('no process and no folder is left', () => left().length === 0);
  }, 120_000);
});
