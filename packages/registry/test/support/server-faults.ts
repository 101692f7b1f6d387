import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Directory } from '@colorway/core';
import type { Service } from '../../../../test/services/types.js';
import { HttpGateway } from '../../../../test/support/http-gateway.js';
import { TcpProxy } from '../../../../test/support/tcp-proxy.js';
import { type Child, startChild } from './child.js';
import { cleanUp } from './clean-up.js';
import { record, ToldInstances } from './told-instances.js';
import { pause, until } from './wait.js';

/** Times that make faults show within seconds. */
export const QUICK = { timeoutMs: 1_500, graceMs: 6_000 };

export interface FaultySubject {
  readonly kind: 'etcd' | 'consul';
  readonly server: () => Service;
  /** A directory at these addresses; its timeouts as in {@link QUICK} unless said otherwise. */
  readonly open: (url: string | readonly string[], more?: object) => Required<Directory>;
  /** Removes what a test has left. */
  readonly clear: () => Promise<void>;
}

const TEST_MS = 180_000;
const LONG_MS = 60_000;

/** What becomes of a directory on a real server when the server, or the network before it, fails. */
export function describeServerFaults(subject: FaultySubject): void {
  const { kind, server } = subject;
  const failed = { code: 'COLORWAY_DIRECTORY_FAILED' };

  /** Before every test, so that a clean-up of its own runs first. */
  beforeEach(() => cleanUp(subject.clear));

  function open(url: string | readonly string[] = server().url, more: object = {}): Required<Directory> {
    const directory = subject.open(url, more);
    cleanUp(() => directory.close());
    return directory;
  }

  async function tcpProxy(): Promise<TcpProxy> {
    const proxy = await TcpProxy.open(server().url);
    cleanUp(() => proxy.close());
    return proxy;
  }

  /** A process that registers and stays; resolves when it is registered. */
  async function joined(service: string, leaseMs: number, more: object = {}): Promise<Child> {
    const options = JSON.stringify({ url: server().url, ...QUICK, ...more });
    const child = startChild('join', kind, options, service, '3001', String(leaseMs));
    await until(`${service} registered`, () => child.lines.length > 0, LONG_MS);
    return child;
  }

  test(
    'a server that is killed and started again loses neither watch nor lease',
    async () => {
      await joined('order', 6_000);
      const told = await ToldInstances.of(open().instances);
      await until('order', () => told.services.includes('order'), LONG_MS);
      await server().kill();
      await until('an error', () => told.errors.length > 0, LONG_MS);
      await server().restart();
      await told.heardAgain();
      await joined('stock', 6_000);
      await until('stock', () => told.services.includes('stock'), LONG_MS);
      await pause(QUICK.graceMs + 1_000); // nobody is held on to any more
      expect(told.lost).toEqual([]);
      expect(told.services).toEqual(['order', 'stock']);
    },
    TEST_MS,
  );

  test(
    'while a server is away for longer than every lease the last view stands; then the living stay and the dead go',
    async () => {
      const directory = open();
      await joined('order', 3_000);
      await directory.instances.register(record('dead', { service: 'dead' }), 3_000);
      const { entry } = await directory.state.create('k', 'v');
      const told = await ToldInstances.of(directory.instances);
      await until('both', () => told.byId.size === 2, LONG_MS);
      await server().kill();
      await until('an error', () => told.errors.length > 0, LONG_MS);
      const { changes, currents } = told;
      await pause(9_000);
      expect({ changes: told.changes, currents: told.currents }).toEqual({ changes, currents });
      await expect(directory.state.get('k')).rejects.toMatchObject(failed);
      await expect(directory.state.get('k')).rejects.toThrow(server().url);
      await server().restart();
      await until('the dead one gone', () => !told.byId.has('dead'), LONG_MS);
      await until('k', async () => (await directory.state.get('k').catch(() => undefined)) !== undefined);
      expect(await directory.state.get('k')).toEqual(entry);
      await pause(4_000); // longer than the lease
      expect(told.lost).toEqual(['dead']);
    },
    TEST_MS,
  );

  test(
    'a server that has lost its data loses nobody who is alive',
    async () => {
      await joined('order', 4_000);
      const told = await ToldInstances.of(open().instances);
      await until('order', () => told.services.includes('order'), LONG_MS);
      await server().kill();
      await rm(join(server().folder ?? '', 'data'), { recursive: true });
      await server().restart();
      await told.heardAgain();
      await joined('stock', 4_000);
      await until('stock', () => told.services.includes('stock'), LONG_MS);
      await pause(QUICK.graceMs + 1_000);
      expect(told.lost).toEqual([]);
      expect(told.services).toEqual(['order', 'stock']);
    },
    TEST_MS,
  );

  test(
    'a server that takes 2 s for every answer serves all the same',
    async () => {
      const proxy = await tcpProxy();
      proxy.delay(2_000);
      const directory = open(proxy.url, { timeoutMs: 6_000 });
      const told = await ToldInstances.of(directory.instances);
      await directory.instances.register(record('slow'), 30_000);
      await directory.instances.renew('slow');
      await until('the slow one', () => told.byId.has('slow'), LONG_MS);
      const { entry } = await directory.state.create('k', '1');
      expect((await directory.state.compareAndSet('k', '2', entry.version))?.value).toBe('2');
      expect((await directory.state.get('k'))?.value).toBe('2');
      expect(told.errors).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'a partition is told of, changes nothing, and heals',
    async () => {
      const proxy = await tcpProxy();
      const outside = open();
      const inside = open(proxy.url);
      await outside.instances.register(record('a'), 60_000);
      const told = await ToldInstances.of(inside.instances);
      for (const cut of [() => proxy.swallow(), () => proxy.refuse()]) {
        const { changes, errors } = told;
        const before = errors.length;
        cut();
        await outside.instances.register(record('b'), 60_000);
        await until('an error', () => told.errors.length > before, LONG_MS);
        await expect(inside.state.get('k')).rejects.toMatchObject(failed);
        await expect(inside.state.get('k')).rejects.toThrow(proxy.url);
        expect(told.changes).toBe(changes);
        proxy.heal();
        await until('b', () => told.byId.has('b'), LONG_MS);
        await outside.instances.deregister('b');
        await until('b gone', () => !told.byId.has('b'), LONG_MS);
      }
      expect(told.lost).toEqual(['b', 'b']);
    },
    TEST_MS,
  );

  test(
    'errors and garbage from a gateway change nothing, and are typed',
    async () => {
      const gateway = await HttpGateway.open(server().url);
      cleanUp(() => gateway.close());
      const outside = open();
      const inside = open(gateway.url);
      await outside.instances.register(record('a'), 60_000);
      const told = await ToldInstances.of(inside.instances);
      for (const mode of ['error', 'garbage'] as const) {
        const { changes, errors } = told;
        const before = errors.length;
        gateway.become(mode);
        await until('two errors', () => told.errors.length > before + 1, LONG_MS);
        await expect(inside.state.get('k')).rejects.toMatchObject(failed);
        await expect(inside.state.create('k', 'v')).rejects.toThrow(gateway.url);
        await expect(inside.instances.register(record('c'), 60_000)).rejects.toMatchObject(failed);
        expect(told.changes).toBe(changes);
        gateway.become('forward');
        await told.heardAgain();
        await outside.instances.register(record(mode), 60_000);
        await until(mode, () => told.byId.has(mode), LONG_MS);
      }
      expect(told.lost).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'goes from an endpoint that fails to the next, and stays there',
    async () => {
      const [first, second] = [await tcpProxy(), await tcpProxy()];
      const directory = open([first.url, second.url]);
      const told = await ToldInstances.of(directory.instances);
      await directory.state.create('k', 'v');
      expect(second.connections).toBe(0);
      first.refuse();
      expect((await directory.state.get('k'))?.value).toBe('v');
      await directory.instances.register(record('a'), 60_000);
      await until('a', () => told.byId.has('a'), LONG_MS);
      first.heal();
      const { connections } = first;
      await directory.state.get('k');
      await directory.instances.register(record('b'), 60_000);
      await until('b', () => told.byId.has('b'), LONG_MS);
      expect(first.connections).toBe(connections);
      second.swallow();
      await until('the first again', () => first.connections > connections, LONG_MS);
      expect((await directory.state.get('k'))?.value).toBe('v');
    },
    TEST_MS,
  );

  test(
    'a process that was paused for longer than its lease is gone meanwhile, and comes back when it wakes',
    async () => {
      const child = await joined('order', 2_500);
      const told = await ToldInstances.of(open().instances);
      await until('order', () => told.services.includes('order'), LONG_MS);
      child.kill('SIGSTOP');
      await until('order gone', () => told.byId.size === 0, LONG_MS);
      child.kill('SIGCONT');
      await until('order again', () => told.services.includes('order'), LONG_MS);
      expect(told.errors).toEqual([]);
    },
    TEST_MS,
  );

  test(
    'two processes that register one id are one instance, and the one that stays keeps it',
    async () => {
      const [one, two] = [open(), open()];
      const told = await ToldInstances.of(open().instances);
      await one.instances.register(record('twin', { port: 1 }), 60_000);
      await two.instances.register(record('twin', { port: 2 }), 60_000);
      await until('the later one', () => told.byId.get('twin')?.port === 2, LONG_MS);
      expect(told.byId.size).toBe(1);
      await one.instances.renew('twin');
      await two.instances.deregister('twin');
      await until('the twin gone', () => !told.byId.has('twin'), LONG_MS);
      await expect(one.instances.renew('twin')).rejects.toMatchObject({ code: 'COLORWAY_LEASE_LOST' });
      await one.instances.register(record('twin', { port: 1 }), 60_000);
      await until('the first one', () => told.byId.get('twin')?.port === 1, LONG_MS);
    },
    TEST_MS,
  );

  test(
    'neither a watch nor a registration keeps a process alive',
    async () => {
      const child = startChild('depart', kind, JSON.stringify({ url: server().url }));
      await until('its end', () => child.process.exitCode !== null, LONG_MS);
      expect(await child.exited).toBe(0);
      expect(child.lines).toEqual(['registered']);
    },
    TEST_MS,
  );

  test('after close everything fails with COLORWAY_CLOSED, and watches are silent', async () => {
    const directory = open();
    const told = await ToldInstances.of(directory.instances);
    await directory.close();
    await directory.close();
    const closed = { code: 'COLORWAY_CLOSED' };
    await expect(directory.state.get('k')).rejects.toMatchObject(closed);
    await expect(directory.instances.register(record('a'), 1_000)).rejects.toMatchObject(closed);
    const { errors, changes, currents } = told;
    await open().instances.register(record('b'), 60_000);
    await pause(500);
    expect({ errors: errors.length, changes, currents }).toEqual({
      errors: 0,
      changes: told.changes,
      currents: told.currents,
    });
  });
}
