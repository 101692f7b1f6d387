import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Directory } from '@colorway/core';
import { runningTasks } from '@colorway/core/background';
import { consulDirectory } from '@colorway/registry/consul';
import { etcdDirectory } from '@colorway/registry/etcd';
import { fileDirectory } from '@colorway/registry/file';
import { memoryDirectory } from '@colorway/registry/memory';
import { nacosInstances } from '@colorway/registry/nacos';
import { redisDirectory } from '@colorway/registry/redis';
import { describeWithServers } from '../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp } from './support/clean-up.js';
import { countResources } from './support/live-resources.js';
import { settled } from './support/public-calls.js';
import { record, ToldInstances } from './support/told-instances.js';
import { until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

jest.setTimeout(60_000);

const own = `owners-${process.pid}-${Date.now()}`;

/** Watches, registers and writes; then closes in the midst of it. */
async function useAndClose(directory: Directory): Promise<void> {
  const told = await ToldInstances.of(directory.instances);
  const id = `${own}-1`;
  await directory.instances.register(record(id, { service: own }), 5_000);
  await until('the instance', () => told.byId.has(id), 30_000);
  await watchAndWrite(directory);
  await directory.instances.deregister(id);
  await settled('the close', directory.close());
}

async function watchAndWrite({ state }: Directory): Promise<void> {
  if (state === undefined) return;
  let calls = 0;
  state.watch(own, { next: () => calls++, current: () => {}, error: () => {} });
  await until('the first snapshot', () => calls > 0, 30_000);
  const { entry } = await state.create(`${own}/key`, 'value');
  await state.compareAndDelete(entry.key, entry.version);
}

describe('a directory that is closed leaves no task, no timer and no socket', () => {
  it('in memory', async () => {
    const resources = countResources();
    const directory = memoryDirectory();
    const watches = [
      directory.instances.watch({ next: () => {}, current: () => {}, error: () => {} }),
      directory.state.watch('', { next: () => {}, current: () => {}, error: () => {} }),
    ];
    await directory.instances.register(record('order-1'), 1_000);
    await directory.instances.deregister('order-1');
    for (const watch of watches) watch.close();
    await directory.close();
    await resources.settled();
    expect(runningTasks()).toEqual([]);
  });

  it('in a folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'colorway-owners-'));
    cleanUp(() => rm(folder, { recursive: true, force: true }));
    const resources = countResources();
    await useAndClose(fileDirectory({ folder }));
    expect(runningTasks()).toEqual([]);
    await resources.settled();
  });
});

describeWithServers(['consul', 'etcd', 'redis', 'nacos'], 'a directory on a server', (servers) => {
  const KINDS: Readonly<Record<string, (url?: string) => Directory>> = {
    consul: (url = servers.consul.url) => consulDirectory({ url, timeoutMs: 60_000 }),
    etcd: (url = servers.etcd.url) => etcdDirectory({ url, timeoutMs: 60_000, prefix: `${own}/` }),
    redis: (url = servers.redis.url.replace('http:', 'redis:')) =>
      redisDirectory({ url, timeoutMs: 60_000, prefix: own }),
    nacos: (url = servers.nacos.url) =>
      nacosInstances({ url, timeoutMs: 60_000, namespace: own, listMs: 500 }),
  };

  it.each(Object.entries(KINDS))(
    '%s leaves no task, no timer and no socket when it is closed',
    async (_, open) => {
      const resources = countResources();
      await useAndClose(open());
      expect(runningTasks()).toEqual([]);
      await resources.settled();
    },
  );

  it.each(Object.entries(KINDS))(
    '%s leaves nothing either where the server refuses connections, or takes them and is silent',
    async (kind, open) => {
      gatherWarnings();
      const port = await silentPort();
      for (const at of [1, port]) {
        const resources = countResources();
        const scheme = kind === 'redis' ? 'redis' : 'http';
        const directory = open(`${scheme}://127.0.0.1:${at}`);
        let errors = 0;
        const observer = { next: () => {}, current: () => {}, error: () => errors++ };
        directory.instances.watch(observer);
        directory.state?.watch('', observer);
        const called = Promise.allSettled([directory.instances.register(record('order-1'), 5_000)]);
        if (at === 1) await until('an error', () => errors > 0);
        else await until('a connection', () => resources.live().some((made) => made.startsWith('TCPWRAP')));
        await settled('the close', directory.close());
        expect(runningTasks()).toEqual([]);
        await settled('the call', called);
        await resources.settled();
        expect(() => directory.instances.watch(observer)).toThrow(
          expect.objectContaining({ code: 'COLORWAY_CLOSED' }),
        );
      }
    },
  );
});

/** Takes connections, and never says a word. */
async function silentPort(): Promise<number> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as { port: number }).port;
}
