import {
  appendFile,
  chmod,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import type { Directory, InstanceRecord } from '@colorway/core';
import { createColoring } from '@colorway/registry';
import { type FileDirectoryOptions, fileDirectory } from '@colorway/registry/file';
import { cleanUp, temporaryFolder } from './support/clean-up.js';
import { pause, until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

function instance(id: string): InstanceRecord {
  return { id, service: 'order', host: '127.0.0.1', port: 3001, metadata: {}, startedAt: 0 };
}

function client(folder: string, options: FileDirectoryOptions = {}): Required<Directory> {
  const directory = fileDirectory({ folder, ...options });
  cleanUp(() => directory.close());
  return directory;
}

function watching(directory: Required<Directory>) {
  const ids = new Set<string>();
  const keys = new Set<string>();
  const told = { ids, keys, errors: [] as Error[], calls: 0, ready: 0 };
  const error = (failure: Error) => void told.errors.push(failure);
  directory.instances.watch({
    next: (change) => {
      told.calls++;
      if (change.kind === 'snapshot') told.ready++;
      if (change.kind === 'snapshot') ids.clear();
      for (const { id } of change.kind === 'snapshot' ? change.instances : change.put) ids.add(id);
      for (const id of change.kind === 'delta' ? change.removed : []) ids.delete(id);
    },
    current: () => {},
    error,
  });
  directory.state.watch('', {
    next: (change) => {
      if (change.kind === 'snapshot') told.ready++;
      if (change.kind === 'snapshot') keys.clear();
      for (const { key } of change.kind === 'snapshot' ? change.entries : change.put) keys.add(key);
      for (const key of change.kind === 'delta' ? change.removed : []) keys.delete(key);
    },
    current: () => {},
    error,
  });
  return told;
}

/** Beats a heart until the test ends. */
function beating(directory: Directory, id: string, everyMs: number): void {
  const heart = setInterval(() => void directory.instances.renew(id).catch(() => {}), everyMs);
  cleanUp(() => clearInterval(heart));
}

/** Lets the system's folder for temporary files be another, and no folder be named, for this test. */
function temporaryFilesIn(folder: string): void {
  const spy = jest
    .spyOn(jest.requireActual<typeof import('node:os')>('node:os'), 'tmpdir')
    .mockReturnValue(folder);
  const before = process.env.COLORWAY_FOLDER;
  delete process.env.COLORWAY_FOLDER;
  cleanUp(() => {
    spy.mockRestore();
    if (before === undefined) delete process.env.COLORWAY_FOLDER;
    else process.env.COLORWAY_FOLDER = before;
  });
}

describe('garbage in the folder', () => {
  it('among the instances is left out with one warning', async () => {
    const warnings = gatherWarnings();
    const folder = await temporaryFolder();
    const directory = client(folder);
    await directory.instances.register(instance('good'), 60_000);
    const instances = join(folder, 'instances');
    const [good = ''] = await readdir(instances);
    const text = await readFile(join(instances, good), 'utf8');
    await writeFile(join(instances, 'half.json'), text.slice(0, text.length / 2));
    await writeFile(join(instances, 'empty.json'), '');
    await writeFile(join(instances, 'null.json'), 'null');
    await writeFile(join(instances, 'other-name.json'), text);
    await writeFile(join(instances, 'huge.json'), ' '.repeat(300_000));
    await writeFile(join(instances, 'notes.txt'), 'hello');
    await mkdir(join(instances, 'folder.json'));
    await symlink('/nowhere', join(instances, 'dangling.json'));
    const told = watching(client(folder));
    await until('the good one', () => told.ids.has('good'));
    await writeFile(join(instances, 'late.json'), '{"leaseMs":1e9,"instance":{"id":"late"}}');
    await directory.instances.register(instance('second'), 60_000);
    await until('the second one', () => told.ids.has('second'));
    expect([...told.ids].sort()).toEqual(['good', 'second']);
    expect(told.errors).toEqual([]);
    expect(
      warnings.codes().filter((code) => code === 'COLORWAY_INSTANCE_FILE_UNREADABLE').length,
    ).toBeLessThanOrEqual(1);
  });

  it('in the state log has no effect, and spoils nothing that comes after', async () => {
    gatherWarnings();
    const folder = await temporaryFolder();
    const directory = client(folder);
    const told = watching(directory);
    await directory.state.create('a', '1');
    const log = join(folder, 'state', 'state.1.log');
    await appendFile(log, '\n{"op":"create","id":"x","key":"torn","val');
    await directory.state.create('b', '2');
    const garbage = [
      '\n\n\n',
      '\nnull\n',
      '\n{"op":"seal"',
      '\n{"op":"__proto__"}\n',
      '\n{"op":"create","id":1,"key":"k","value":"v"}\n',
    ];
    await appendFile(log, garbage.join(''));
    await appendFile(log, Buffer.from([0, 255, 254, 10, 200]));
    await directory.state.create('c', '3');
    const keys = (await client(folder).state.list('')).map(({ key }) => key);
    expect(keys).toEqual(['a', 'b', 'c']);
    await until('told', () => told.keys.size === 3);
    await writeFile(join(folder, 'state', 'state.x.log'), 'foreign');
    await writeFile(join(folder, 'state', 'state.0.log'), 'foreign');
    expect((await directory.state.create('d', '4')).created).toBe(true);
    expect(told.errors).toEqual([]);
  });

  it('a record that lacks only its last newline counts for all, or for none', async () => {
    gatherWarnings();
    const folder = await temporaryFolder();
    const one = client(folder);
    await one.state.create('a', '1');
    await appendFile(
      join(folder, 'state', 'state.1.log'),
      '\n{"op":"create","id":"whole","key":"b","value":"2"}',
    );
    expect(await one.state.get('b')).toBeUndefined();
    expect(await client(folder).state.get('b')).toBeUndefined();
    await one.state.create('c', '3');
    expect(await one.state.get('b')).toEqual(await client(folder).state.get('b'));
  });
});

describe('a state log that is compacted', () => {
  it('counts nothing behind its seal, for nobody', async () => {
    const folder = await temporaryFolder();
    const [one, two] = [client(folder), client(folder)];
    await one.state.create('before', '1');
    await two.state.get('before');
    const behind = '\n{"op":"create","id":"x","key":"behind","value":"2"}\n';
    await appendFile(
      join(folder, 'state', 'state.1.log'),
      `\n{"op":"seal"}\n${behind}\n{"op":"seal"}\n${behind}`,
    );
    for (const directory of [one, two, client(folder)]) {
      expect((await directory.state.list('')).map(({ key }) => key)).toEqual(['before']);
    }
    expect((await two.state.create('behind', '3')).created).toBe(true);
    expect((await one.state.get('behind'))?.value).toBe('3');
    expect((await readdir(join(folder, 'state'))).sort()).toEqual(['state.1.log', 'state.2.log']);
  });

  it('is left for the log in force by one who slept through several', async () => {
    const folder = await temporaryFolder();
    const slept = client(folder);
    await slept.state.create('k', 'v');
    await appendFile(join(folder, 'state', 'state.1.log'), '\n{"op":"seal"}\n');
    // Others have compacted twice, and removed the second log since.
    await writeFile(
      join(folder, 'state', 'state.3.log'),
      '\n{"op":"entry","key":"new","value":"w","version":"1"}\n',
    );
    expect((await slept.state.list('')).map(({ key }) => key)).toEqual(['new']);
    await slept.state.create('more', 'x');
    expect((await client(folder).state.list('')).map(({ key }) => key)).toEqual(['more', 'new']);
  });

  it('keeps versions, and tells a watch nothing of it', async () => {
    const folder = await temporaryFolder();
    const directory = client(folder, { compactBytes: 1 });
    const { entry } = await directory.state.create('k', 'v');
    const told = watching(directory);
    await until('ready', () => told.ready === 2);
    for (let count = 0; count < 20; count++) await directory.state.create(`more/${count}`, 'x');
    expect(await directory.state.get('k')).toEqual(entry);
    expect((await client(folder).state.compareAndSet('k', 'w', entry.version))?.value).toBe('w');
    await until('all told', () => told.keys.size === 21);
    expect(told.ready).toBe(2);
  });
});

describe('a wall clock that jumps', () => {
  it.each([3_600_000, -3_600_000])(
    'by %d ms drops nobody who beats, and keeps nobody who does not',
    async (jump) => {
      const folder = await temporaryFolder();
      const directory = client(folder);
      const told = watching(client(folder));
      await directory.instances.register(instance('beating'), 900);
      await directory.instances.register(instance('silent'), 900);
      beating(directory, 'beating', 200);
      await until('both', () => told.ids.size === 2);
      const real = Date.now;
      cleanUp(() => {
        Date.now = real;
      });
      Date.now = () => real() + jump;
      await until('the silent one gone', () => !told.ids.has('silent'), 3_000);
      await pause(900);
      expect([...told.ids]).toEqual(['beating']);
      // One who comes now sees files from another hour, and waits for a heartbeat of each.
      const later = watching(client(folder));
      await until('seen to beat', () => later.ids.has('beating'));
    },
  );

  it('leaves no ghost: an old file is not live until its heart is seen to beat, and goes', async () => {
    const folder = await temporaryFolder();
    const directory = client(folder);
    await directory.instances.register(instance('ghost'), 700);
    const [name = ''] = await readdir(join(folder, 'instances'));
    for (const age of [3_600, -3_600]) {
      const then = Date.now() / 1_000 - age;
      await utimes(join(folder, 'instances', name), then, then);
      const told = watching(client(folder));
      await until('a snapshot', () => told.ready === 2);
      expect(told.ids.size).toBe(0);
    }
    await until('removed', async () => (await readdir(join(folder, 'instances'))).length === 0);
  });

  it('a heart beats even while the wall clock stands still', async () => {
    const folder = await temporaryFolder();
    const directory = client(folder);
    const told = watching(client(folder));
    const now = Date.now();
    const spy = jest.spyOn(Date, 'now').mockReturnValue(now);
    cleanUp(() => spy.mockRestore());
    await directory.instances.register(instance('a'), 600);
    beating(directory, 'a', 150);
    await until('a', () => told.ids.has('a'));
    await pause(1_500);
    expect(told.ids.has('a')).toBe(true);
  });
});

describe('a folder that is removed while it is used', () => {
  it('fails with a typed error that names it; the last view goes on; a restart of anybody mends it', async () => {
    gatherWarnings();
    const folder = join(await temporaryFolder(), 'directory');
    const coloring = createColoring({
      service: 'order',
      color: 'feat-cart',
      directory: fileDirectory({ folder, pollMs: 50 }),
      leaseMs: 1_500,
      closing: { noticeMs: 0 },
    });
    cleanUp(() => coloring.close());
    await coloring.register({ port: 3001 });
    const decision = () => coloring.view().services.get('order')?.colored.get('feat-cart')?.kind;
    await until('in the view', () => decision() === 'colored');
    const decisions = new Set<string | undefined>();
    coloring.onViewChange(() => decisions.add(decision()));

    await rm(folder, { recursive: true });
    const failed = {
      code: 'COLORWAY_DIRECTORY_FAILED',
      message: expect.stringMatching(/directory.*ENOENT.*removed/s),
    };
    await expect(coloring.environments.list()).rejects.toMatchObject(failed);
    await expect(coloring.environments.create('other', { owner: 'ann' })).rejects.toMatchObject(failed);
    await until('old', () => coloring.viewAge() > 2_000);
    expect(decision()).toBe('colored');

    const restarted = client(folder);
    expect(await restarted.state.list('')).toEqual([]);
    const told = watching(restarted);
    await until('registered anew', () => told.ids.size === 1 && told.keys.has('CE_order/feat-cart'), 8_000);
    await until('current', () => coloring.viewAge() < 1_000);
    await pause(200);
    // At no time was it forgotten that it lives.
    expect([...decisions]).toEqual(['colored']);
  }, 20_000);

  it('and put back says the same as before', async () => {
    const parent = await temporaryFolder();
    const folder = join(parent, 'directory');
    const directory = client(folder, { pollMs: 50 });
    const told = watching(directory);
    await directory.state.create('k', 'v');
    await directory.instances.register(instance('a'), 60_000);
    await until('both', () => told.keys.has('k') && told.ids.has('a'));
    await rename(folder, join(parent, 'aside'));
    await until('away', () => told.errors.length > 0);
    expect([told.keys.size, told.ids.size]).toEqual([1, 1]);
    await rename(join(parent, 'aside'), folder);
    await until('back', async () => (await directory.state.get('k').catch(() => undefined))?.value === 'v');
    await directory.instances.register(instance('b'), 60_000);
    await until('changes again', () => told.ids.has('b'));
    expect([...told.ids].sort()).toEqual(['a', 'b']);
  });

  it('a state log that is cut short is read anew, and an empty one is never taken for "no memberships" unseen', async () => {
    gatherWarnings();
    const folder = await temporaryFolder();
    const directory = client(folder);
    const told = watching(directory);
    await directory.state.create('k', 'v');
    await until('told', () => told.keys.has('k'));
    await rm(join(folder, 'state', 'state.1.log'));
    await expect(directory.state.get('k')).rejects.toMatchObject({ code: 'COLORWAY_DIRECTORY_FAILED' });
    await pause(400);
    expect(told.keys.has('k')).toBe(true);
    await writeFile(
      join(folder, 'state', 'state.1.log'),
      '\n{"op":"create","id":"x","key":"other","value":"w"}\n',
    );
    await until('the log that stands now', () => told.keys.has('other') && !told.keys.has('k'));
    await directory.state.create('more', 'v');
    await truncate(join(folder, 'state', 'state.1.log'), 0);
    await until('nothing', () => told.keys.size === 0);
  });
});

describe('the folder', () => {
  it('is COLORWAY_FOLDER, else one of this user’s own in the folder for temporary files, for him alone', async () => {
    const temporary = await temporaryFolder();
    temporaryFilesIn(temporary);
    const byDefault = fileDirectory();
    cleanUp(() => byDefault.close());
    await byDefault.state.create('k', 'v');
    const own = `colorway-${process.getuid?.()}`;
    expect(await readdir(temporary)).toEqual([own]);
    const { mode } = await stat(join(temporary, own));
    expect(mode & 0o777).toBe(0o700);

    process.env.COLORWAY_FOLDER = join(temporary, 'named');
    const named = fileDirectory();
    cleanUp(() => named.close());
    await named.state.create('k', 'v');
    expect((await readdir(temporary)).sort()).toEqual([own, 'named'].sort());
  });

  it('is refused where another user has made it first', async () => {
    const temporary = await temporaryFolder();
    temporaryFilesIn(temporary);
    const spy = jest.spyOn(process as { getuid(): number }, 'getuid').mockReturnValue(987_654);
    cleanUp(() => spy.mockRestore());
    await mkdir(join(temporary, 'colorway-987654'));
    const directory = fileDirectory();
    cleanUp(() => directory.close());
    const refused = {
      code: 'COLORWAY_DIRECTORY_FAILED',
      message: expect.stringMatching(/another user.*COLORWAY_FOLDER/),
    };
    await expect(directory.state.get('k')).rejects.toMatchObject(refused);
    await expect(directory.instances.register(instance('a'), 1_000)).rejects.toMatchObject(refused);
    await rm(join(temporary, 'colorway-987654'), { recursive: true });
    await symlink(temporary, join(temporary, 'colorway-987654'));
    await expect(directory.state.get('k')).rejects.toMatchObject(refused);
  });

  it('of everybody by default is one that others have opened, and is not used', async () => {
    const temporary = await temporaryFolder();
    temporaryFilesIn(temporary);
    const own = join(temporary, `colorway-${process.getuid?.()}`);
    await mkdir(own);
    await chmod(own, 0o777);
    const directory = fileDirectory();
    cleanUp(() => directory.close());
    await expect(directory.state.get('k')).rejects.toMatchObject({
      code: 'COLORWAY_DIRECTORY_FAILED',
      message: expect.stringMatching(/written by others.*COLORWAY_FOLDER/),
    });
    await chmod(own, 0o700);
    await directory.state.create('k', 'v');
  });

  it.each(['COLORWAY_FOLDER', 'the option'])(
    'that %s names is used as it is, and said to be open',
    async (by) => {
      const warnings = gatherWarnings();
      const folder = join(await temporaryFolder(), 'shared');
      temporaryFilesIn(folder);
      await mkdir(folder);
      await chmod(folder, 0o777);
      if (by === 'COLORWAY_FOLDER') process.env.COLORWAY_FOLDER = folder;
      const directory = fileDirectory(by === 'COLORWAY_FOLDER' ? {} : { folder });
      cleanUp(() => directory.close());
      await directory.state.create('k', 'v');
      expect(warnings.codes()).toEqual(['COLORWAY_FOLDER_OPEN']);
      expect(warnings.messages()[0]).toMatch(/written by others/);
    },
  );

  it('that cannot be made fails with the remedy, and is tried again', async () => {
    const folder = join(await temporaryFolder(), 'directory');
    await writeFile(folder, 'a file');
    const directory = client(folder, { pollMs: 50 });
    const told = watching(directory);
    const failed = { code: 'COLORWAY_DIRECTORY_FAILED', message: expect.stringContaining(folder) };
    await expect(directory.state.create('k', 'v')).rejects.toMatchObject(failed);
    await until('told', () => told.errors.length > 0);
    await rm(folder);
    expect((await directory.state.create('k', 'v')).created).toBe(true);
    await until('seen', () => told.keys.has('k'));
  });

  it('leaves nothing of a process that was killed while it wrote', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'tmp'));
    await writeFile(join(folder, 'tmp', 'stale'), 'x');
    await utimes(join(folder, 'tmp', 'stale'), 1, 1);
    await writeFile(join(folder, 'tmp', 'fresh'), 'x');
    await client(folder).state.get('k');
    expect(await readdir(join(folder, 'tmp'))).toEqual(['fresh']);
  });

  it.each([{ pollMs: 0 }, { compactBytes: Number.NaN }])('bad options are refused: %p', (options) => {
    expect(() => fileDirectory(options)).toThrow(
      expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION' }),
    );
  });

  it('once closed says so, and tells nothing more', async () => {
    const folder = await temporaryFolder();
    const directory = client(folder);
    const told = watching(directory);
    await until('ready', () => told.ready === 2);
    await directory.close();
    await directory.close();
    const closed = { code: 'COLORWAY_CLOSED' };
    await expect(directory.state.get('k')).rejects.toMatchObject(closed);
    await expect(directory.instances.register(instance('a'), 1_000)).rejects.toMatchObject(closed);
    expect(() => directory.state.watch('', { next() {}, current() {}, error() {} })).toThrow(
      expect.objectContaining(closed),
    );
    await client(folder).instances.register(instance('a'), 60_000);
    await pause(500);
    expect(told.ids.size).toBe(0);
  });
});

it('changes are seen by the poll alone where the system tells nothing', async () => {
  const folder = await temporaryFolder();
  const spy = jest
    .spyOn(jest.requireActual<typeof import('node:fs')>('node:fs'), 'watch')
    .mockImplementation(() => {
      throw Object.assign(new Error('no watches left'), { code: 'ENOSPC' });
    });
  cleanUp(() => spy.mockRestore());
  const told = watching(client(folder, { pollMs: 50 }));
  const other = client(folder);
  await other.state.create('k', 'v');
  await other.instances.register(instance('a'), 60_000);
  await until('both', () => told.keys.has('k') && told.ids.has('a'));
  expect(spy).toHaveBeenCalled();
  expect(told.errors).toEqual([]);
});

it('a reader that was paused while others beat calls nobody dead', async () => {
  const folder = await temporaryFolder();
  const directory = client(folder);
  const told = watching(client(folder, { pollMs: 50 }));
  await directory.instances.register(instance('a'), 1_500);
  await until('a', () => told.ids.has('a'));
  const { calls } = told;
  // The event loop of this whole process stands still for longer than the lease.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2_000);
  await pause(200);
  expect(told.ids.has('a')).toBe(true);
  expect(told.calls).toBe(calls);
  await until('gone, as it does not beat', () => !told.ids.has('a'));
});
