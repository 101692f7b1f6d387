import type { InstanceRecord, InstanceStore } from '@colorway/core';
import { type DirectoryUnderTest, instancesTold, pause, until } from './support.js';

const LEASE_MS = 1_500;
const LONG_LEASE_MS = 60_000;

/** Every id has an address of its own, as it has in life: some directories know instances by their addresses. */
const ports = new Map<string, number>();

function instance(id: string, more: Partial<InstanceRecord> = {}): InstanceRecord {
  ports.set(id, ports.get(id) ?? 3_001 + ports.size);
  return {
    id,
    service: 'order',
    host: '10.0.0.7',
    port: ports.get(id) as number,
    metadata: {},
    startedAt: 1_700_000_000_000,
    ...more,
  };
}

/** What every adapter of the instances half must do. Leases are real and short: servers keep their own time. */
export function describeInstanceStore(name: string, make: () => Promise<DirectoryUnderTest>): void {
  describe(`InstanceStore of ${name}`, () => {
    let subject: DirectoryUnderTest;
    let registrant: InstanceStore;
    let reader: InstanceStore;

    beforeEach(async () => {
      subject = await make();
      registrant = subject.connect().instances;
      reader = subject.connect().instances;
    });
    afterEach(() => subject.dispose());

    /** A watch that has told its snapshot. */
    async function watching(store: InstanceStore = reader) {
      const told = instancesTold();
      const watch = store.watch(told);
      told.ready();
      await until('the first snapshot', () => told.hasSnapshot);
      return Object.assign(told, { watch });
    }

    it('tells of an empty directory, then of one that comes and one that goes', async () => {
      const told = await watching();
      expect(told.byId.size).toBe(0);
      await registrant.register(instance('a'), LONG_LEASE_MS);
      await until('a', () => told.byId.has('a'));
      await registrant.deregister('a');
      await until('a gone', () => !told.byId.has('a'));
      expect(told.broken).toEqual([]);
      expect(told.errors).toEqual([]);
    });

    it('tells a later watch of what is there already', async () => {
      await registrant.register(instance('a'), LONG_LEASE_MS);
      await registrant.register(instance('b'), LONG_LEASE_MS);
      const told = await watching();
      await until('both', () => told.byId.size === 2);
      expect(told.broken).toEqual([]);
    });

    it('gives every field back as it was', async () => {
      const full = instance('order-1', {
        host: '::1',
        secure: true,
        weight: 2.5,
        metadata: { COLORING_ENV: 'feat-cart', 'ключ "é"': 'line\nbreak', empty: '' },
      });
      const told = await watching();
      await registrant.register(full, LONG_LEASE_MS);
      await registrant.register(instance('plain'), LONG_LEASE_MS);
      await until('both', () => told.byId.size === 2);
      expect(told.byId.get('order-1')).toEqual(full);
      expect(told.byId.get('plain')).toEqual(instance('plain'));
    });

    it('keeps one that is renewed, and drops one that is not when its lease is over', async () => {
      const told = await watching();
      await registrant.register(instance('silent'), LEASE_MS);
      await registrant.register(instance('beating'), LEASE_MS);
      await until('both', () => told.byId.size === 2);
      const beats: Promise<void>[] = [];
      const heart = setInterval(() => beats.push(registrant.renew('beating')), LEASE_MS / 4);
      try {
        await pause(LEASE_MS / 2);
        expect([...told.byId.keys()].sort()).toEqual(['beating', 'silent']);
        await until('the silent one gone', () => !told.byId.has('silent'));
        await pause(LEASE_MS * 1.5);
        expect([...told.byId.keys()]).toEqual(['beating']);
      } finally {
        clearInterval(heart);
        await Promise.all(beats);
      }
    });

    it('refuses to renew what it does not know, and takes it back by registration', async () => {
      await expect(registrant.renew('never')).rejects.toMatchObject({ code: 'COLORWAY_LEASE_LOST' });
      const told = await watching();
      await registrant.register(instance('a'), LEASE_MS);
      await until('a', () => told.byId.has('a'));
      await until('a gone', () => !told.byId.has('a'));
      await expect(registrant.renew('a')).rejects.toMatchObject({ code: 'COLORWAY_LEASE_LOST' });
      await registrant.register(instance('a'), LONG_LEASE_MS);
      await until('a again', () => told.byId.has('a'));
      await registrant.renew('a');
      await registrant.deregister('a');
      await expect(registrant.renew('a')).rejects.toMatchObject({ code: 'COLORWAY_LEASE_LOST' });
    });

    it('knows that a lease has run out even where nobody watches', async () => {
      await registrant.register(instance('a'), LEASE_MS);
      await pause(LEASE_MS * 2);
      await expect(registrant.renew('a')).rejects.toMatchObject({ code: 'COLORWAY_LEASE_LOST' });
    });

    it('replaces the record of an id that registers again', async () => {
      const told = await watching();
      await registrant.register(instance('a', { port: 3001 }), LONG_LEASE_MS);
      await until('a', () => told.byId.get('a')?.port === 3001);
      await registrant.register(
        instance('a', { port: 3002, metadata: { COLORING_ENV: 'feat-x' } }),
        LONG_LEASE_MS,
      );
      await until('the new a', () => told.byId.get('a')?.port === 3002);
      expect(told.byId.get('a')?.metadata).toEqual({ COLORING_ENV: 'feat-x' });
      expect(told.byId.size).toBe(1);
    });

    it('takes out what is unknown without an error', async () => {
      await registrant.deregister('never');
    });

    it('holds ids of any shape apart', async () => {
      const ids = [
        '../../../etc/passwd',
        'a/b',
        'a_b',
        'A_B',
        '__proto__',
        'ü'.repeat(300),
        '.',
        '%2e',
        'a b',
        'nul\0byte',
      ];
      const told = await watching();
      for (const id of ids) await registrant.register(instance(id), LONG_LEASE_MS);
      await until('all of them', () => told.byId.size === ids.length);
      expect(new Set(told.byId.keys())).toEqual(new Set(ids));
      for (const id of ids) await registrant.deregister(id);
      await until('none', () => told.byId.size === 0);
    });

    it('neither changes nor keeps the object that it was given', async () => {
      const metadata = { zone: 'a' };
      const record = Object.freeze(instance('a', { metadata }));
      const told = await watching();
      await registrant.register(record, LONG_LEASE_MS);
      metadata.zone = 'b';
      await until('a', () => told.byId.has('a'));
      expect(told.byId.get('a')?.metadata).toEqual({ zone: 'a' });
    });

    it('says that it is current while nothing changes, and is silent once closed', async () => {
      const told = await watching();
      await until('current', () => told.currents > 1);
      told.watch.close();
      told.watch.close();
      const { calls } = told;
      await registrant.register(instance('a'), LONG_LEASE_MS);
      await pause(600);
      expect(told.calls).toBe(calls);
    });

    it('serves several watches of one client', async () => {
      const [one, two] = [await watching(), await watching()];
      await registrant.register(instance('a'), LONG_LEASE_MS);
      await until('a in both', () => one.byId.has('a') && two.byId.has('a'));
      one.watch.close();
      await registrant.register(instance('b'), LONG_LEASE_MS);
      await until('b in the other', () => two.byId.has('b'));
      expect(one.byId.has('b')).toBe(false);
    });

    it('follows many that come and go', async () => {
      const told = await watching();
      const ids = Array.from({ length: 200 }, (_, index) => `many-${index}`);
      await Promise.all(ids.map((id) => registrant.register(instance(id), LONG_LEASE_MS)));
      await until('all', () => told.byId.size === ids.length);
      await Promise.all(ids.filter((_, index) => index % 2 === 0).map((id) => registrant.deregister(id)));
      await until('half', () => told.byId.size === ids.length / 2);
      expect(told.broken).toEqual([]);
    });
  });
}
