import {
  discardedOf,
  formatSubscription,
  leavingSubscription,
  parseSubscription,
  parseSubscriptionKey,
  type Subscription,
  subscriptionId,
  subscriptionKey,
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
        const key = subscriptionKey({ service: 's'.repeat(128), color: 'c'.repeat(63), ...one });
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
      discarded: { 0: 2, 1: 3 },
    };
    for (const one of [JOINED, full]) expect(parseSubscription(entry(one))).toEqual(one);
    expect(discardedOf(full)).toBe(5);
    expect(discardedOf(JOINED)).toBe(0);
    expect(leavingSubscription(full, 'drain', 9)).toEqual({
      ...NAME,
      ...{ state: 'leaving', onLeave: 'drain', waitingFor: 'a consumer of GID_stock', at: 9 },
    });
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
