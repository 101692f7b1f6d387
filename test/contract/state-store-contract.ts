import type { StateStore } from '@colorway/core';
import { Environments } from '@colorway/registry';
import fc from 'fast-check';
import { type DirectoryUnderTest, pause, stateTold, until } from './support.js';

/** What every adapter of the state half must do. */
export function describeStateStore(name: string, make: () => Promise<DirectoryUnderTest>): void {
  describe(`StateStore of ${name}`, () => {
    let subject: DirectoryUnderTest;
    let one: StateStore;
    let two: StateStore;

    function connect(): StateStore {
      const { state } = subject.connect();
      if (state === undefined) throw new Error(`${name} has no state half.`);
      return state;
    }

    beforeEach(async () => {
      subject = await make();
      one = connect();
      two = connect();
    });
    afterEach(() => subject.dispose());

    async function watching(prefix: string, store: StateStore = two) {
      const told = stateTold();
      const watch = store.watch(prefix, told);
      told.ready();
      await until('the first snapshot', () => told.hasSnapshot);
      return Object.assign(told, { watch });
    }

    it('creates a key where there is none, and shows who stands there otherwise', async () => {
      const first = await one.create('env/a', 'first');
      expect(first).toEqual({
        created: true,
        entry: { key: 'env/a', value: 'first', version: expect.any(String) },
      });
      expect(await two.create('env/a', 'second')).toEqual({ created: false, entry: first.entry });
      expect(await two.get('env/a')).toEqual(first.entry);
      expect(await two.get('env/b')).toBeUndefined();
    });

    it('replaces a value for the right version alone, and changes the version with every write', async () => {
      const { entry } = await one.create('k', 'v');
      const written = await two.compareAndSet('k', 'v', entry.version);
      expect(written).toMatchObject({ key: 'k', value: 'v' });
      expect(written?.version).not.toBe(entry.version);
      expect(await one.compareAndSet('k', 'w', entry.version)).toBeUndefined();
      expect(await one.compareAndSet('unknown', 'w', entry.version)).toBeUndefined();
      expect(await one.get('k')).toEqual(written);
    });

    it('deletes for the right version alone; a key that is made anew has another version', async () => {
      const { entry } = await one.create('k', 'v');
      expect(await two.compareAndDelete('k', 'no-such-version')).toBe(false);
      expect(await two.compareAndDelete('k', entry.version)).toBe(true);
      expect(await two.compareAndDelete('k', entry.version)).toBe(false);
      expect(await one.get('k')).toBeUndefined();
      const again = await one.create('k', 'v');
      expect(again.created).toBe(true);
      expect(again.entry.version).not.toBe(entry.version);
      expect(await one.compareAndSet('k', 'w', entry.version)).toBeUndefined();
    });

    it('lists what is below a prefix, in key order', async () => {
      for (const key of ['b/2', 'a/1', 'b/10', 'b/1', 'bb']) await one.create(key, key);
      expect((await two.list('b/')).map(({ key, value }) => [key, value])).toEqual([
        ['b/1', 'b/1'],
        ['b/10', 'b/10'],
        ['b/2', 'b/2'],
      ]);
      expect(await two.list('c')).toEqual([]);
      expect(await two.list('')).toHaveLength(5);
    });

    it('shows every client at once what another has written', async () => {
      let { entry } = await one.create('k', '0');
      for (let round = 1; round <= 20; round++) {
        const [writer, reader] = round % 2 === 0 ? [one, two] : [two, one];
        entry = (await writer.compareAndSet('k', String(round), entry.version)) ?? entry;
        expect(await reader.get('k')).toEqual(entry);
        expect(await reader.list('k')).toEqual([entry]);
      }
    });

    it('lets one of many create a key', async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) => (index % 2 ? one : two).create('k', String(index))),
      );
      const winners = outcomes.filter(({ created }) => created);
      expect(winners).toHaveLength(1);
      for (const { entry } of outcomes) expect(entry).toEqual(winners[0]?.entry);
    });

    it('loses no increment of many', async () => {
      await one.create('counter', '0');
      const increment = async (store: StateStore) => {
        for (;;) {
          const seen = await store.get('counter');
          if (seen && (await store.compareAndSet('counter', String(Number(seen.value) + 1), seen.version)))
            return;
        }
      };
      const clients = [one, two, connect(), connect()];
      await Promise.all(clients.flatMap((store) => Array.from({ length: 10 }, () => increment(store))));
      expect((await one.get('counter'))?.value).toBe('40');
    });

    it('keeps values of any content', async () => {
      const values = ['', '\n', '\n{"op":"seal"}\n', '"', '\\', '\0', 'é漢😀', '\u2028', 'x'.repeat(100_000)];
      for (const [index, value] of values.entries()) await one.create(`v/${index}`, value);
      expect((await two.list('v/')).map(({ value }) => value)).toEqual(values);
    });

    it.each([
      ['an empty one', ''],
      ['a long one', 'k'.repeat(513)],
      ['a newline', 'a\nb'],
      ['another script', 'ключ'],
    ])('refuses a key that some store could not hold: %s', async (_why, key) => {
      const refused = { code: 'COLORWAY_INVALID_OPTION' };
      await expect(one.create(key, 'v')).rejects.toMatchObject(refused);
      await expect(one.get(key)).rejects.toMatchObject(refused);
      await expect(one.compareAndSet(key, 'v', '1')).rejects.toMatchObject(refused);
      await expect(one.compareAndDelete(key, '1')).rejects.toMatchObject(refused);
    });

    it('holds keys that mean something elsewhere', async () => {
      const keys = [
        '__proto__',
        'constructor',
        '../../etc/passwd',
        'CE_order/feat-cart',
        'k'.repeat(512),
        'a b',
        '%2F',
      ];
      for (const key of keys) expect((await one.create(key, 'v')).created).toBe(true);
      for (const key of keys) expect((await two.get(key))?.value).toBe('v');
    });

    it('tells a watch of what is below its prefix: all at first, then what changes', async () => {
      await one.create('CE_order/a', '1');
      await one.create('env/a', '1');
      const told = await watching('CE_');
      expect([...told.values]).toEqual([['CE_order/a', '1']]);
      const { entry } = await one.create('CE_stock/a', '2');
      await one.create('env/b', '2');
      await until('stock', () => told.values.get('CE_stock/a') === '2');
      await one.compareAndSet('CE_stock/a', '3', entry.version);
      await until('the new value', () => told.values.get('CE_stock/a') === '3');
      const order = await one.get('CE_order/a');
      await one.compareAndDelete('CE_order/a', order?.version ?? '');
      await until('order gone', () => !told.values.has('CE_order/a'));
      expect([...told.values]).toEqual([['CE_stock/a', '3']]);
      expect(told.broken).toEqual([]);
      expect(told.errors).toEqual([]);
    });

    it('says that it is current while nothing changes, and is silent once closed', async () => {
      const told = await watching('');
      await until('current', () => told.currents > 1);
      told.watch.close();
      told.watch.close();
      const { calls } = told;
      await one.create('k', 'v');
      await pause(600);
      expect(told.calls).toBe(calls);
    });

    it('does what a map would do, whatever the order of calls', async () => {
      const key = fc.constantFrom('m/a', 'm/b', 'm/c');
      const step = fc.record({
        key,
        op: fc.constantFrom('create', 'set', 'set-stale', 'delete', 'delete-stale' as const),
        value: fc.string({ maxLength: 5 }),
        client: fc.constantFrom(0, 1),
      });
      let run = 0;
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
          const model = new Map<string, { value: string; version: string }>();
          const prefix = `run-${run++}/`;
          for (const { key, op, value, client } of steps) {
            const store = client === 0 ? one : two;
            const at = prefix + key;
            const known = model.get(at);
            const version = op.endsWith('stale') ? 'stale' : (known?.version ?? 'none');
            if (op === 'create') {
              const { created, entry } = await store.create(at, value);
              expect(created).toBe(known === undefined);
              expect(entry.value).toBe(known?.value ?? value);
              if (created) model.set(at, entry);
            } else if (op.startsWith('set')) {
              const entry = await store.compareAndSet(at, value, version);
              expect(entry !== undefined).toBe(known?.version === version);
              if (entry) model.set(at, entry);
            } else {
              expect(await store.compareAndDelete(at, version)).toBe(known?.version === version);
              if (known?.version === version) model.delete(at);
            }
          }
          const listed = (await two.list(prefix)).map((entry) => [entry.key, entry.value]);
          expect(listed).toEqual([...model].map(([at, { value }]) => [at, value]).sort());
        }),
        { numRuns: 25 },
      );
    });

    it('keeps the policy of a directory, whoever sets it, and what it bounds is refused', async () => {
      const [ann, bob] = [
        new Environments(one, { declaredBy: 'ann' }),
        new Environments(two, { declaredBy: 'bob' }),
      ];
      await Promise.all([
        ann.policy.set({ maxTtlMs: 86_400_000 }),
        bob.policy.set({ maxEnvironmentsPerOwner: 1 }, { reason: 'the cluster is full' }),
      ]);
      const policy = await ann.policy.get();
      expect(policy.bounds).toEqual({ maxTtlMs: 86_400_000, maxEnvironmentsPerOwner: 1 });
      expect(policy.changes.map(({ by }) => by).sort()).toEqual(['ann', 'bob']);
      expect(await bob.policy.get()).toEqual(policy);
      await ann.create('red', { owner: 'cy' });
      const code = 'COLORWAY_POLICY_EXCEEDED';
      await expect(bob.create('blue', { owner: 'cy', ttlMs: 3_600_000 })).rejects.toMatchObject({ code });
      await expect(bob.extend('red', { ttlMs: 172_800_000 })).rejects.toMatchObject({ code });
    });
  });
}
