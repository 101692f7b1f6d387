import { fromNacos, saysTheSame, toNacos } from '../../src/nacos/nacos-instance.js';
import { instance } from './support.js';

const HOST = { ip: '10.0.0.7', port: 3001, weight: 1, healthy: true, enabled: true, metadata: {} };

test('what is registered is read again as it was', () => {
  for (const record of [
    instance('a'),
    instance('b', { secure: true, weight: 0.5, metadata: { COLORING_ENV: 'feat-x' } }),
    instance('c', { secure: false, metadata: { secure: 'true' } }),
    instance('__proto__', { metadata: { '': '' } }),
  ]) {
    expect(fromNacos('order', 'g', toNacos(record, 'DEFAULT'))).toEqual(record);
    expect(saysTheSame(record, 'DEFAULT', toNacos(record, 'DEFAULT'))).toBe(true);
    expect(saysTheSame(record, 'DEFAULT', toNacos({ ...record, id: 'other' }, 'DEFAULT'))).toBe(false);
  }
});

test.each([
  ['without heartbeat', { healthy: false }],
  ['switched off', { enabled: false }],
  ['without weight', { weight: 0 }],
  ['without address', { ip: '' }],
  ['with a port that is no number', { port: '3001' }],
])('one that is %s is not called', (_what, fields) => {
  expect(fromNacos('order', 'g', { ...HOST, ...fields })).toBeUndefined();
});

test('one of another client is told apart by its address, whatever its metadata says', () => {
  for (const metadata of [undefined, null, { COLORWAY_INSTANCE: 'no JSON' }, { COLORWAY_INSTANCE: '{}' }]) {
    expect(fromNacos('order', 'g', { ...HOST, metadata })).toMatchObject({
      id: 'nacos/g/order/10.0.0.7#3001#DEFAULT',
      startedAt: 0,
    });
  }
});
