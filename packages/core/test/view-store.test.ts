import fc from 'fast-check';
import {
  type Color,
  type DirectoryView,
  type InstanceRecord,
  LayeredMap,
  type RouteDecision,
  resolveCarrierNames,
  route,
  ViewStore,
} from '../src/index.js';
import { answer, apply, change, type Facts, noFacts, step, steps } from './random-directory.js';

const decisions = (view: DirectoryView): Map<string, RouteDecision> => {
  const found = new Map<string, RouteDecision>();
  for (const [name, { uncolored, undeclared, colored }] of view.services.entries()) {
    found.set(`${name} uncolored`, uncolored).set(`${name} undeclared`, undeclared);
    for (const [color, decision] of colored.entries()) found.set(`${name} ${color}`, decision);
  }
  return found;
};

/** What a view says, comparable whatever the order of instances. */
const told = (view: DirectoryView) =>
  new Map(
    [...decisions(view)].map(([key, decision]) => [
      key,
      {
        ...decision,
        instances:
          'instances' in decision ? [...decision.instances].sort((a, b) => (a.id < b.id ? -1 : 1)) : [],
      },
    ]),
  );

function rebuilt(facts: Facts): DirectoryView {
  const store = new ViewStore();
  answer(store);
  store.applyInstances({ kind: 'snapshot', instances: [...facts.instances.values()] });
  store.applyMemberships({
    kind: 'snapshot',
    entries: [...facts.members].map((key) => ({ key, value: '', version: '1' })),
  });
  return store.current();
}

/** A service that was seen stays, as down; a rebuild has never seen it. */
const isDown = (view: DirectoryView, name: string) => {
  const found = view.services.get(name);
  return (
    found !== undefined &&
    found.uncolored.reason === 'baseline-down' &&
    [...found.colored.keys()].length === 0
  );
};

it('any sequence of changes, read or not read in between, equals a rebuild', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(step, fc.boolean()), { maxLength: 15 }), (changes) => {
      const store = new ViewStore();
      const facts = noFacts();
      answer(store);
      for (const [one, isRead] of changes) {
        apply(store, one);
        change(facts, one);
        if (isRead) store.current();
      }
      const expected = rebuilt(facts);
      const view = store.current();
      const seenOnce = [...view.services.keys()].filter((name) => expected.services.get(name) === undefined);
      for (const name of seenOnce) expect(isDown(view, name)).toBe(true);
      const known = [...told(view)].filter(([key]) => !seenOnce.includes(key.split(' ')[0] ?? ''));
      expect(new Map(known)).toEqual(told(expected));
    }),
    { numRuns: 400 },
  );
});

it('views never change, versions grow, and what did not change is the same object', () => {
  fc.assert(
    fc.property(steps, (changes) => {
      const store = new ViewStore();
      answer(store);
      let before = store.current();
      const history: (readonly [DirectoryView, ReturnType<typeof told>])[] = [];
      for (const one of changes) {
        history.push([before, told(before)]);
        apply(store, one);
        const view = store.current();
        expect(store.current()).toBe(view);
        expect(view.version).toBe(before.version + (view === before ? 0 : 1));
        const now = decisions(view);
        const saidNow = told(view);
        for (const [key, decision] of decisions(before)) {
          const same = now.get(key);
          if (same === undefined || same === decision || !('instances' in decision) || !('instances' in same))
            continue;
          // A list that says the same may only be new because the same instances came in another order.
          if (same.instances !== decision.instances) expect(same.instances).not.toEqual(decision.instances);
        }
        expect(saidNow.size).toBe(now.size);
        before = view;
      }
      for (const [view, said] of history) expect(told(view)).toEqual(said);
    }),
    { numRuns: 200 },
  );
});

const record: InstanceRecord = { id: 'a', service: 'order', host: 'h', port: 1, metadata: {}, startedAt: 0 };
const put = (store: ViewStore, ...records: InstanceRecord[]) =>
  store.applyInstances({ kind: 'delta', put: records, removed: [] });
const listOf = (view: DirectoryView, name = 'order') => {
  const found = view.services.get(name)?.uncolored;
  return found !== undefined && 'instances' in found ? found.instances : undefined;
};

it('an announcement that says nothing new makes no new view', () => {
  const store = new ViewStore();
  answer(store);
  put(store, record);
  const view = store.current();
  put(store, { ...record, metadata: {}, weight: 1, secure: false });
  expect(store.current()).toBe(view);
  put(store, { ...record, weight: 2 });
  expect(store.current()).not.toBe(view);
});

it('a change to one service leaves the lists of the others, and both baseline answers share one list', () => {
  const store = new ViewStore();
  answer(store);
  put(store, record, { ...record, id: 'b', service: 'stock' });
  const before = store.current();
  put(store, { ...record, id: 'c', service: 'stock' });
  const view = store.current();
  expect(listOf(view)).toBe(listOf(before));
  expect(listOf(view, 'stock')).toHaveLength(2);
  expect(listOf(before, 'stock')).toHaveLength(1);
  const undeclared = view.services.get('order')?.undeclared;
  expect(undeclared !== undefined && 'instances' in undeclared && undeclared.instances).toBe(listOf(view));
});

describe('two records with one address', () => {
  const base = { ...record, startedAt: 10 };
  const red = { ...record, id: 'b', startedAt: 20, metadata: { COLORING_ENV: 'red' } };
  const ids = (store: ViewStore, color?: Color) => {
    const decision = route(color, 'order', store.current());
    return 'instances' in decision ? decision.instances.map(({ id }) => id) : decision.reason;
  };

  it.each([[[base, red]], [[red, base]]])(
    'the one that started later counts, in whatever order they come',
    (records) => {
      const store = new ViewStore();
      answer(store);
      put(store, ...records);
      expect(ids(store)).toBe('baseline-down');
      expect(ids(store, 'red')).toEqual(['b']);
      expect(ids(store, 'blue')).toBe('baseline-down');
      store.applyInstances({ kind: 'delta', put: [], removed: ['b'] });
      expect(ids(store)).toEqual(['a']);
    },
  );

  it('both count where none is later, and those of other addresses and services stay', () => {
    const store = new ViewStore();
    answer(store);
    put(store, base, { ...base, id: 'c' }, { ...base, id: 'd', port: 2, startedAt: 1 });
    put(store, { ...red, service: 'stock' });
    expect(ids(store)).toEqual(['a', 'c', 'd']);
  });
});

describe('what others write into a directory', () => {
  it.each<[string, object]>([
    ['no id', { id: '' }],
    ['no service', { service: undefined }],
    ['no host', { host: '' }],
    ['port 0', { port: 0 }],
    ['port text', { port: '3000' }],
    ['port too high', { port: 65_536 }],
    ['weight 0', { weight: 0 }],
    ['weight NaN', { weight: Number.NaN }],
    ['weight endless', { weight: Number.POSITIVE_INFINITY }],
    ['a color outside the grammar', { metadata: { COLORING_ENV: 'feat_cart' } }],
    ['a color that is no text', { metadata: { COLORING_ENV: 7 } }],
  ])('is left out where routing cannot use it, and told: %s', (_, part) => {
    const why: string[] = [];
    const store = new ViewStore({ onUnusable: (text) => why.push(text) });
    answer(store);
    put(store, { ...record, ...part } as InstanceRecord);
    expect(listOf(store.current())).toBeUndefined();
    expect(why).toHaveLength(1);
  });

  it('law 4: an instance whose color becomes unusable leaves the view, and is no baseline', () => {
    const store = new ViewStore();
    answer(store);
    put(store, record);
    put(store, { ...record, metadata: { COLORING_ENV: 'a_b' } });
    expect(listOf(store.current())).toBeUndefined();
  });

  it('may lack metadata, come twice, and is not changed', () => {
    const store = new ViewStore();
    answer(store);
    const bare = Object.freeze({
      id: 'a',
      service: 'order',
      host: 'h',
      port: 1,
      startedAt: 0,
    }) as InstanceRecord;
    put(store, bare);
    const view = store.current();
    put(store, { ...bare });
    expect(store.current()).toBe(view);
    expect(listOf(view)).toEqual([{ ...bare, metadata: {}, weight: 1, secure: false, color: undefined }]);
  });

  it('keys that are no membership are passed over', () => {
    const store = new ViewStore();
    answer(store);
    const entry = (key: string) => ({ key, value: '', version: '1' });
    const before = store.current();
    for (const key of ['CE_', 'CE_/red', 'CE_order', 'CE_order/', 'CE_order/a_b', 'env/red', '__proto__']) {
      store.applyMemberships({ kind: 'delta', put: [entry(key)], removed: [key] });
    }
    expect(store.current()).toBe(before);
    // Nobody can register, nor call, what no record can name.
    store.applyMemberships({ kind: 'delta', put: [entry('CE_a/b/red')], removed: [] });
    expect(store.current()).toBe(before);
    store.applyMemberships({ kind: 'delta', put: [entry('CE_a.b/red')], removed: [] });
    expect(store.current().services.get('a.b')?.colored.get('red')).toMatchObject({ reason: 'member-down' });
  });

  it('a company can name the metadata key', () => {
    const store = new ViewStore({
      names: resolveCarrierNames({ metadataKeys: ['version-tag', 'COLORING_ENV'] }),
    });
    answer(store);
    put(store, { ...record, metadata: { 'version-tag': '', COLORING_ENV: 'red' } });
    expect([...(store.current().services.get('order')?.colored.keys() ?? [])]).toEqual(['red']);
  });
});

it('LayeredMap is a map with versions', () => {
  const changes = fc.array(
    fc.dictionary(
      fc.constantFrom(...'abcdefghij'),
      fc.option(fc.record({ n: fc.nat() }), { nil: undefined }),
      { noNullPrototype: true },
    ),
    { maxLength: 20 },
  );
  fc.assert(
    fc.property(changes, (all) => {
      let map = LayeredMap.empty<{ n: number }>();
      const reference = new Map<string, { n: number }>();
      const versions: [LayeredMap<{ n: number }>, Map<string, { n: number }>][] = [];
      for (const one of all) {
        versions.push([map, new Map(reference)]);
        map = map.with(new Map(Object.entries(one)));
        for (const [key, value] of Object.entries(one)) {
          if (value === undefined) reference.delete(key);
          else reference.set(key, value);
        }
        versions.push([map, new Map(reference)]);
      }
      for (const [version, expected] of versions) {
        expect(new Map(version.entries())).toEqual(expected);
        expect([...version.keys()].sort()).toEqual([...expected.keys()].sort());
        for (const key of 'abcdefghijk') expect(version.get(key)).toBe(expected.get(key));
      }
    }),
  );
});
