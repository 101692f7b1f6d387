import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { InstanceRecord } from '@colorway/core';
import { fileDirectory } from '@colorway/registry/file';
import { startChild, startLimitedChild } from './support/child.js';
import { cleanUp, temporaryFolder } from './support/clean-up.js';
import { pause, until } from './support/wait.js';

jest.setTimeout(60_000);

/** What one process sees of the instances in a folder. */
function watchInstances(folder: string) {
  const directory = fileDirectory({ folder });
  cleanUp(() => directory.close());
  const byId = new Map<string, InstanceRecord>();
  const all: InstanceRecord[] = [];
  const errors: Error[] = [];
  directory.instances.watch({
    next: (change) => {
      if (change.kind === 'snapshot') byId.clear();
      const put = change.kind === 'snapshot' ? change.instances : change.put;
      for (const record of put) byId.set(record.id, record);
      all.push(...put);
      for (const id of change.kind === 'delta' ? change.removed : []) byId.delete(id);
    },
    current: () => {},
    error: (error) => errors.push(error),
  });
  return { byId, all, errors };
}

it('an instance whose process is killed is gone within its lease, and its fellow stays', async () => {
  const folder = await temporaryFolder();
  const leaseMs = 2_000;
  const seen = watchInstances(folder);
  const killed = startChild('register', folder, 'order', '3001', String(leaseMs), 'feat-cart');
  const fellow = startChild('register', folder, 'order', '3002', String(leaseMs));
  await until(
    'both registered',
    () => seen.byId.size === 2 && killed.lines.length + fellow.lines.length === 2,
  );
  const id = killed.lines[0] ?? '';
  expect(seen.byId.get(id)).toMatchObject({
    service: 'order',
    port: 3001,
    metadata: { COLORING_ENV: 'feat-cart' },
  });
  await pause(leaseMs * 1.5);
  expect(seen.byId.size).toBe(2);

  killed.kill('SIGKILL');
  const from = performance.now();
  await until('the killed one gone', () => !seen.byId.has(id));
  // Its last heartbeat came before it was killed, and the look at the file takes a little.
  expect(performance.now() - from).toBeLessThan(leaseMs + 500);
  await pause(leaseMs);
  expect([...seen.byId.keys()]).toEqual(fellow.lines);
  // Its membership outlives it (law 2).
  const directory = fileDirectory({ folder });
  cleanUp(() => directory.close());
  expect(await directory.state.get('CE_order/feat-cart')).toBeDefined();
});

it('an instance that is stopped by SIGTERM is gone at once, and its process ends by itself', async () => {
  const folder = await temporaryFolder();
  const seen = watchInstances(folder);
  const child = startChild('register', folder, 'order', '3001', '60000');
  await until('registered', () => seen.byId.size === 1 && child.lines.length === 1);
  child.kill('SIGTERM');
  await until('gone', () => seen.byId.size === 0, 5_000);
  expect(await child.exited).toBe(0);
  expect(child.lines[1]).toBe('closed');
});

it('a process that has nothing else to do ends, whatever runs in the background', async () => {
  const child = startChild('leave', await temporaryFolder());
  expect(await child.exited).toBe(0);
  expect(child.lines).toEqual(['registered']);
});

it('a process that is paused for longer than its lease goes, and comes back when it goes on', async () => {
  const folder = await temporaryFolder();
  const leaseMs = 1_000;
  const child = startChild('register', folder, 'order', '3001', String(leaseMs));
  const seen = watchInstances(folder);
  await until('registered', () => seen.byId.size === 1);
  child.kill('SIGSTOP');
  await until('silent for too long', () => seen.byId.size === 0);
  child.kill('SIGCONT');
  await until('back', () => seen.byId.size === 1);
});

it.each([
  ['one log', 10_000_000],
  ['a log that is compacted all the time', 20_000],
])(
  '8 processes increment one counter 100 times each, in %s, and none is lost',
  async (_what, compactBytes) => {
    const folder = await temporaryFolder();
    const children = Array.from({ length: 8 }, () =>
      startChild('increment', folder, 'counter', '100', String(compactBytes)),
    );
    expect(await Promise.all(children.map(({ exited }) => exited))).toEqual(Array(8).fill(0));
    const directory = fileDirectory({ folder });
    cleanUp(() => directory.close());
    expect((await directory.state.get('counter'))?.value).toBe('800');
    const logs = await readdir(join(folder, 'state'));
    if (compactBytes > 1_000_000) expect(logs).toEqual(['state.1.log']);
    else {
      expect(logs).not.toContain('state.1.log');
      expect(logs.length).toBeLessThanOrEqual(3);
    }
    expect(await readdir(join(folder, 'tmp'))).toEqual([]);
  },
);

it('of many processes that create the same keys, each key has one winner', async () => {
  const folder = await temporaryFolder();
  const children = Array.from({ length: 4 }, () => startChild('create', folder, '60'));
  expect(await Promise.all(children.map(({ exited }) => exited))).toEqual(Array(4).fill(0));
  const won = children.flatMap(({ lines }) => lines);
  expect(won.length).toBe(60);
  expect(new Set(won).size).toBe(60);
});

it('writers that are killed at any moment lose nothing that was acknowledged, and no reader sees a half', async () => {
  const folder = await temporaryFolder();
  const compactBytes = 40_000;
  const directory = fileDirectory({ folder, compactBytes });
  cleanUp(() => directory.close());
  const halves: string[] = [];
  let seen = 0;
  directory.state.watch('', {
    next: (change) => {
      for (const { value } of change.kind === 'snapshot' ? change.entries : change.put) {
        seen++;
        if (!/^(\d{8})\1{499}$/.test(value)) halves.push(value);
      }
    },
    current: () => {},
    error: () => {},
  });
  for (let round = 0; round < 4; round++) {
    const children = Array.from({ length: 3 }, (_, index) =>
      startChild('write', folder, `${round}-${index}`, String(compactBytes)),
    );
    await until('all writing', () => children.every(({ lines }) => lines.length > 3), 30_000);
    await pause(Math.random() * 100);
    for (const child of children) child.kill('SIGKILL');
    await Promise.all(children.map(({ exited }) => exited));
    for (const [index, { lines }] of children.entries()) {
      const entry = await directory.state.get(`writer/${round}-${index}`);
      expect(Number(entry?.value.slice(0, 8))).toBeGreaterThanOrEqual(Number(lines.at(-1)));
    }
  }
  expect(await directory.state.list('writer/')).toHaveLength(12);
  await until('the watch has seen them', () => seen > 12);
  expect(halves).toEqual([]);
});

it('one that registers anew all the time is never seen half-written', async () => {
  const folder = await temporaryFolder();
  const children = ['a', 'a', 'b'].map((id) => startChild('flap', folder, id));
  await until('flapping', () => children.every(({ lines }) => lines.length === 1), 30_000);
  const seen = watchInstances(folder);
  await until('a hundred changes', () => seen.all.length > 100);
  for (const child of children) child.kill('SIGKILL');
  for (const { port, metadata } of seen.all) {
    expect(metadata).toEqual({ padding: String(port).repeat(2_000), port: String(port) });
  }
  expect(seen.errors).toEqual([]);
});

it('a disk that is full fails with a typed error, and what is half-written hurts nobody', async () => {
  const folder = await temporaryFolder();
  // A limit on the size of files cuts a write in the middle, as a full disk does.
  const child = startLimitedChild(64, 'fill', folder);
  expect(await child.exited).toBe(0);
  const [failure = '{}', written = '0'] = child.lines;
  expect(JSON.parse(failure)).toEqual({
    code: 'COLORWAY_DIRECTORY_FAILED',
    message: expect.stringContaining(folder),
  });
  const directory = fileDirectory({ folder });
  cleanUp(() => directory.close());
  expect(await directory.state.list('fill/')).toHaveLength(Number(written));
  expect((await directory.state.create('after', 'v')).created).toBe(true);
  expect((await directory.state.get('after'))?.value).toBe('v');
});
