import { FORGET_AFTER_MS } from '../src/background/index.js';
import { type InstanceRecord, membershipKey, route, ViewStore } from '../src/index.js';

const COUNT = 10_000;
const instance = (service: string): InstanceRecord => ({
  ...{ id: `${service}-1`, service, host: '10.0.0.1', port: 80, metadata: {}, startedAt: 1 },
});
const entry = (service: string) => ({ key: membershipKey(service, 'red'), value: '{}', version: '1' });

let now = 0;
let store: ViewStore;
beforeEach(() => {
  now = 1_000;
  store = new ViewStore({ now: () => now });
  store.applyMemberships({ kind: 'snapshot', entries: [] });
});
const put = (...services: string[]) =>
  store.applyInstances({ kind: 'delta', put: services.map(instance), removed: [] });
const remove = (...services: string[]) =>
  store.applyInstances({ kind: 'delta', put: [], removed: services.map((one) => `${one}-1`) });
const reasonOf = (service: string, color?: string) => route(color, service, store.current()).reason;

it('thousands of services that came and went are kept for a day, and then leave nothing behind', () => {
  const names = Array.from({ length: COUNT }, (_, index) => `Release-${index}`);
  put('stock', ...names);
  remove(...names);
  now += FORGET_AFTER_MS - 1;
  expect(store.forgetGone()).toBe(false);
  expect(reasonOf('Release-7')).toBe('baseline-down');
  expect([...store.current().services.keys()]).toHaveLength(COUNT + 1);
  now += 1;
  expect(store.forgetGone()).toBe(true);
  expect([...store.current().services.keys()]).toEqual(['stock']);
  expect(store.current().spelled.size).toBe(0);
  expect(reasonOf('Release-7')).toBe('service-unknown');
  expect(store.forgetGone()).toBe(false);
});

it('a service that has a member stays, however long it is down (law 2)', () => {
  put('order');
  store.applyMemberships({ kind: 'delta', put: [entry('order')], removed: [] });
  remove('order');
  now += 30 * FORGET_AFTER_MS;
  store.forgetGone();
  expect(reasonOf('order', 'red')).toBe('member-down');
  store.applyMemberships({ kind: 'delta', put: [], removed: [entry('order').key] });
  now += FORGET_AFTER_MS;
  store.forgetGone();
  expect(reasonOf('order', 'red')).toBe('service-unknown');
});

it('one that comes back begins its day anew, and is as it was after it was forgotten', () => {
  put('order');
  remove('order');
  now += FORGET_AFTER_MS - 1;
  put('order');
  remove('order');
  now += FORGET_AFTER_MS - 1;
  expect(store.forgetGone()).toBe(false);
  now += 1;
  expect(store.forgetGone()).toBe(true);
  put('order');
  expect(reasonOf('order')).toBe('no-color');
});

it('another spelling of a name that is forgotten is found by the host that means both', () => {
  put('Order', 'ORDER');
  expect(store.current().spelled.get('order')).toBe('Order');
  remove('Order');
  now += FORGET_AFTER_MS;
  store.forgetGone();
  expect(store.current().spelled.get('order')).toBe('ORDER');
});

it.each(['a\nb', '10.0.0.1', 'localhost', 'a/b', ''])(
  'nobody is a member of what is no service: %j',
  (service) => {
    store.applyMemberships({ kind: 'delta', put: [entry(service)], removed: [] });
    expect([...store.current().services.keys()]).toEqual([]);
  },
);
