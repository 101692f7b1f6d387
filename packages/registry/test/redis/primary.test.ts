import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../../../test/services/folders.mjs';
import { startService } from '../../../../test/services/index.mjs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { freePorts } from '../../../../test/services/ports.mjs';
import type { Service } from '../../../../test/services/types.js';
import { cleanUp, temporaryFolder } from '../support/clean-up.js';
import { until } from '../support/wait.js';
import { newPrefix, redisCommand, redisOn, watchState } from './support.js';

jest.setTimeout(120_000);

async function ownRedis(settings: Record<string, string> = {}): Promise<Service> {
  const redis = await startService('redis', { own: true, settings });
  cleanUp(() => redis.stop());
  return redis;
}

async function replicaOf(primary: Service): Promise<Service> {
  const replica = await ownRedis({ replicaof: `127.0.0.1 ${portOf(primary)}` });
  await until(
    'the replica',
    async () => String(await redisCommand(replica.url, 'ROLE')).includes('connected'),
    30_000,
  );
  return replica;
}

function portOf({ url }: Service): string {
  return new URL(url).port;
}

/** `redis-server --sentinel` keeps what it learns in its configuration file. */
async function startSentinel(primary: Service): Promise<string> {
  const program = findProgram('redis-server') ?? 'redis-server';
  const folder = await temporaryFolder();
  const [port = 0] = await freePorts([0]);
  const file = join(folder, 'sentinel.conf');
  const monitor = `sentinel monitor shop 127.0.0.1 ${portOf(primary)} 1\nsentinel down-after-milliseconds shop 3000\n`;
  writeFileSync(file, `port ${port}\nbind 127.0.0.1\ndir ${folder}\n${monitor}`);
  const sentinel = spawn(program, [file, '--sentinel'], { stdio: 'ignore' });
  cleanUp(() => sentinel.kill('SIGKILL'));
  const url = `redis://127.0.0.1:${port}`;
  await until(
    'the Sentinel',
    () =>
      redisCommand(url, 'PING').then(
        () => true,
        () => false,
      ),
    30_000,
  );
  return url;
}

async function failOver(from: Service, to: Service): Promise<void> {
  await redisCommand(to.url, 'REPLICAOF', 'NO', 'ONE');
  await redisCommand(from.url, 'REPLICAOF', '127.0.0.1', portOf(to));
}

describeWithServers(['redis'], 'The primary of several Redis', () => {
  test('is found in a list, and found again when another has become it', async () => {
    const first = await ownRedis();
    const second = await replicaOf(first);
    const directory = redisOn({ url: [second.url, first.url] });
    const told = watchState(directory.state, '');
    await directory.state.create('a', '1');
    await until(
      'a on the replica',
      async () => (await redisCommand(second.url, 'HLEN', '{colorway}:state')) === 1,
    );

    await failOver(first, second);
    // Its connection to what is now a replica stands: neither a write nor a read may end there.
    expect((await directory.state.get('a'))?.value).toBe('1');
    await directory.state.create('b', '2');
    expect(await redisCommand(second.url, 'HLEN', '{colorway}:state')).toBe(2);
    await until('b', () => told.values.get('b') === '2', 30_000);
    await expect(redisOn({ url: first.url }).state.get('a')).rejects.toMatchObject({
      code: 'COLORWAY_DIRECTORY_FAILED',
      message: expect.stringContaining('replica'),
    });
  });

  test('is told by a Sentinel', async () => {
    const first = await ownRedis();
    const second = await replicaOf(first);
    const sentinel = await startSentinel(first);
    const directory = redisOn({ url: ['redis://127.0.0.1:1', sentinel], sentinel: { name: 'shop' } });
    const told = watchState(directory.state, '');
    await directory.state.create('a', '1');
    await until(
      'a on the replica',
      async () => (await redisCommand(second.url, 'HLEN', '{colorway}:state')) === 1,
    );
    await until(
      'the Sentinel knows the replica',
      async () =>
        JSON.stringify(await redisCommand(sentinel, 'SENTINEL', 'REPLICAS', 'shop')).includes(portOf(second)),
      30_000,
    );

    await redisCommand(sentinel, 'SENTINEL', 'FAILOVER', 'shop');
    await until(
      'the fail-over',
      // The Sentinel cuts connections to who is promoted.
      async () => String(await redisCommand(second.url, 'ROLE').catch(String)).startsWith('master'),
      60_000,
    );
    // The old primary takes writes for a moment more, and loses them: docs/registries.md says so.
    const isOnSecond = async () => {
      await directory.state.create('b', '2').catch(() => {});
      return (await redisCommand(second.url, 'HLEN', '{colorway}:state')) === 2;
    };
    await until('a write', isOnSecond, 60_000);
    await until('b', () => told.values.get('b') === '2', 30_000);
    await expect(
      redisOn({ url: sentinel, sentinel: { name: 'nobody' } }).state.get('a'),
    ).rejects.toMatchObject({
      message: expect.stringContaining('"nobody"'),
    });
  });

  test('a write waits for replicas where that is asked for', async () => {
    const first = await ownRedis();
    const prefix = newPrefix();
    const patient = redisOn({ url: first.url, prefix, wait: { replicas: 1, timeoutMs: 200 } });
    await expect(patient.state.create('k', 'v')).rejects.toMatchObject({
      code: 'COLORWAY_DIRECTORY_FAILED',
      message: expect.stringContaining('0 of 1 replicas'),
    });
    await replicaOf(first);
    const { entry, created } = await patient.state.create('k', 'v');
    expect(created).toBe(false);
    expect(await patient.state.compareAndSet('k', 'w', entry.version)).toMatchObject({ value: 'w' });
  });

  test('is the node of a cluster that has the slot', async () => {
    // The nodes' own port is 10,000 above by default, where the system gives ports to outgoing connections.
    const [busOne = 0, busTwo = 0] = await freePorts([0, 0]);
    const settings = (bus: number) => ({
      'cluster-enabled': 'yes',
      'cluster-node-timeout': '2000',
      'cluster-port': String(bus),
    });
    const [one, two] = await Promise.all([ownRedis(settings(busOne)), ownRedis(settings(busTwo))]);
    await redisCommand(one.url, 'CLUSTER', 'ADDSLOTSRANGE', '0', '8191');
    await redisCommand(two.url, 'CLUSTER', 'ADDSLOTSRANGE', '8192', '16383');
    await redisCommand(one.url, 'CLUSTER', 'MEET', '127.0.0.1', portOf(two), String(busTwo));
    const isUp = async ({ url }: Service) =>
      String(await redisCommand(url, 'CLUSTER', 'INFO')).includes('cluster_state:ok');
    await until('the cluster', async () => (await isUp(one)) && (await isUp(two)), 60_000);
    for (const { url } of [one, two]) {
      const directory = redisOn({ url });
      const told = watchState(directory.state, '');
      await directory.state.create(`from/${portOf({ url } as Service)}`, '1');
      await until('it is told', () => told.values.size > 0);
      expect(told.errors).toEqual([]);
      await directory.state.get('k');
    }
    expect(await redisOn({ url: one.url }).state.list('from/')).toHaveLength(2);
  });
});
