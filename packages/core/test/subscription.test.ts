import {
  discardedOf,
  discardingSubscription,
  formatSubscription,
  idWithoutCluster,
  isNewProgress,
  leavingSubscription,
  parseSubscription,
  parseSubscriptionKey,
  SERVED_EVERY_MS,
  type Subscription,
  standingWait,
  subscriptionId,
  subscriptionKey,
  withProgress,
} from '@colorway/core';
import fc from 'fast-check';

const NAME = { service: 'stock', color: 'red', broker: 'kafka', group: 'GID_stock', topic: 'orders' };
const JOINED: Subscription = { ...NAME, state: 'joined', at: 5 };

function entry(read: Subscription, value = formatSubscription(read)) {
  return { key: subscriptionKey(read), value, version: '1' };
}

describe('a subscription', () => {
  test('has a key that says whose it is and of what', () => {
    expect(subscriptionKey(NAME)).toBe('sub/stock/red/kafka~GID_stock~orders');
    expect(subscriptionId({ broker: 'amqp', group: 'a/b~c ü' })).toBe('amqp~a%2Fb%7Ec%20%C3%BC');
    expect(parseSubscriptionKey(subscriptionKey(NAME))).toEqual({
      service: 'stock',
      color: 'red',
      id: 'kafka~GID_stock~orders',
    });
  });

  test('of a second broker with the same names has a key apart, which says the names too', () => {
    const apart = { ...NAME, cluster: 'rabbit@b/', apart: true };
    expect(subscriptionKey({ ...NAME, cluster: 'rabbit@a/' })).toBe(subscriptionKey(NAME));
    expect(subscriptionKey(apart)).toMatch(/^sub\/stock\/red\/kafka~GID_stock~orders~@[0-9a-f]{12}$/);
    expect(subscriptionId({ ...apart, cluster: 'rabbit@c/' })).not.toBe(subscriptionId(apart));
    expect(idWithoutCluster(subscriptionId(apart))).toBe(subscriptionId(NAME));
    const joined: Subscription = { ...apart, state: 'joined', at: 5 };
    expect(parseSubscription(entry(joined))).toEqual(joined);
    expect(leavingSubscription(joined, 'drain', 7)).toMatchObject({ apart: true, cluster: 'rabbit@b/' });
  });

  test.each(['sub/stock/red', 'sub//red/x', 'sub/stock/re_d/x', 'sub/stock/red/x/y', 'env/stock/red/x', ''])(
    'has not the key %j',
    (key) => expect(parseSubscriptionKey(key)).toBeUndefined(),
  );

  test('has a key of its own that every store takes, whatever its names are', () => {
    const name = fc.string({ minLength: 1, maxLength: 260, unit: 'grapheme' });
    const target = fc.record({
      broker: fc.constantFrom('kafka', 'amqp'),
      group: name,
      topic: fc.option(name, { nil: undefined }),
    });
    const plain = ({ broker, group, topic }: { broker: string; group: string; topic: string | undefined }) =>
      topic === undefined ? { broker, group } : { broker, group, topic };
    fc.assert(
      fc.property(target, target, (a, b) => {
        const [one, other] = [plain(a), plain(b)];
        const apart = { ...one, cluster: 'c', apart: true };
        expect(idWithoutCluster(subscriptionId(one))).toBe(subscriptionId(one));
        expect(idWithoutCluster(subscriptionId(apart))).toBe(subscriptionId(one));
        const key = subscriptionKey({ service: 's'.repeat(128), color: 'c'.repeat(63), ...apart });
        expect(key).toMatch(/^[\x21-\x7e]{1,512}$/);
        expect(key.split('/')).toHaveLength(4);
        if (JSON.stringify(one) !== JSON.stringify(other))
          expect(subscriptionId(one)).not.toBe(subscriptionId(other));
      }),
    );
  });

  test('is read as it was written', () => {
    const full: Subscription = {
      ...NAME,
      ...{ state: 'leaving', onLeave: 'discard', detached: true, remaining: 3, waitingFor: 'x', at: 7 },
      ...{ discarded: { 0: 2, 1: 3 }, since: 7, remedy: 'y', servedAt: 8, cluster: 'c1' },
    };
    for (const one of [JOINED, full]) expect(parseSubscription(entry(one))).toEqual(one);
    expect(discardedOf(full)).toBe(5);
    expect(discardedOf(JOINED)).toBe(0);
    expect(leavingSubscription(full, 'drain', 9)).toEqual({
      ...NAME,
      ...{ state: 'leaving', onLeave: 'drain', waitingFor: 'a consumer of GID_stock', at: 9, since: 9 },
      remedy:
        'Start a consumer of GID_stock (service stock), or end with --on-leave discard: colorway env withdraw red stock --on-leave discard',
      cluster: 'c1',
    });
  });

  test('that is being drained can be discarded, and is never drained again', () => {
    const draining = { ...leavingSubscription(JOINED, 'drain', 9, true), remaining: 4, discarded: { 1: 2 } };
    const discarding = discardingSubscription(draining, 11);
    expect(discarding).toMatchObject({
      onLeave: 'discard',
      detached: true,
      remaining: 4,
      discarded: { 1: 2 },
    });
    expect(discarding).toMatchObject({ state: 'leaving', at: 11, since: 11 });
    for (const other of [discarding as Subscription, JOINED, { ...JOINED, state: 'left' as const }])
      expect(discardingSubscription(other, 12)).toBeUndefined();
  });

  test('says since when it waits for the same, whoever says it, and that nobody works on it any more', () => {
    const begun = leavingSubscription(JOINED, 'drain', 1_000);
    const told = { remaining: 9, waitingFor: 'the consumers of GID_red_stock' };
    const first = withProgress(begun, told, 2_000);
    expect(first).toMatchObject({ ...told, since: 2_000, servedAt: 2_000 });
    expect(first.remedy).toBeUndefined();
    const second = withProgress(first, { ...told, remaining: 5 }, 3_000);
    expect(second).toMatchObject({ remaining: 5, since: 2_000, servedAt: 3_000 });
    expect(isNewProgress(second, { ...told, remaining: 5 }, 3_500)).toBe(false);
    expect(isNewProgress(second, { ...told, remaining: 4 }, 3_500)).toBe(true);
    expect(isNewProgress(second, { ...told, remaining: 5 }, 3_000 + SERVED_EVERY_MS)).toBe(true);
    expect(standingWait(second, 4_000)).toEqual({ waitingFor: told.waitingFor, since: 2_000 });
    expect(standingWait(second, 3_000 + 60_001)).toMatchObject({
      waitingFor: 'a consumer of GID_stock',
      since: 3_000,
      remedy: expect.stringContaining('service stock'),
    });
    // Nobody has begun: that is said from the first moment on.
    expect(standingWait(begun, 1_500)).toMatchObject({ waitingFor: 'a consumer of GID_stock', since: 1_000 });
    expect(standingWait(JOINED, 1_500)).toBeUndefined();
  });

  test.each([
    '',
    'null',
    '[]',
    '{"broker":"kafka"}',
    JSON.stringify({ ...JOINED, state: 'other' }),
    JSON.stringify({ ...JOINED, topic: 'else' }),
  ])('is none where %j stands', (value) => expect(parseSubscription(entry(JOINED, value))).toBeUndefined());
});
