import { parseKeyValue } from '../../src/etcd/key-value.js';
import { parseWatchMessage } from '../../src/etcd/watch-message.js';

const base64 = (...bytes: number[]) =>
  Buffer.from([...Buffer.from('colorway/instances/'), ...bytes]).toString('base64');
const keyOf = (key: string) => parseKeyValue({ key, mod_revision: '1' }).key;

it('keys that are no UTF-8 are as many as etcd counts, and are removed by the name under which they were put', () => {
  const keys = [[0x80], [0xff], [0xfe], [0xff, 0xfe]].map((bytes) => base64(...bytes));
  const read = keys.map(keyOf);
  expect(new Set(read).size).toBe(keys.length);
  for (const one of read) expect(one.startsWith('colorway/instances/')).toBe(true);
  const events = keys.map((key) => ({ type: 'DELETE', kv: { key, mod_revision: '2' } }));
  const message = parseWatchMessage(JSON.stringify({ result: { header: { revision: '2' }, events } }));
  expect(message).toMatchObject({ kind: 'events', removed: read });
});

it('all others are as they were written', () => {
  for (const id of ['stock-1', 'stöck', '\u202e', 'a b'])
    expect(keyOf(base64(...Buffer.from(id)))).toBe(`colorway/instances/${id}`);
});
