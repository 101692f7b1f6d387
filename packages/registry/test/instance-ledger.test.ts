import type { InstanceRecord } from '@colorway/core';
import { InstanceLedger } from '../src/instance-ledger.js';

const record = (id: string, port = 1): InstanceRecord => ({
  id,
  service: 'order',
  host: '10.0.0.7',
  port,
  metadata: {},
  startedAt: 1,
});

function ledgerOf(...ids: string[]) {
  const clock = { ms: 0 };
  const ledger = new InstanceLedger({ graceMs: 100, now: () => clock.ms });
  ledger.replace(
    ids.map((id) => record(id)),
    false,
  );
  return { ledger, clock, ids: () => ledger.all().map(({ id }) => id) };
}

test('without an outage it believes the directory at once', () => {
  const { ledger, ids } = ledgerOf('a', 'b', 'c');
  expect(ledger.update({ put: [record('d')], left: ['a'], vanished: ['b', 'unknown'] })).toEqual({
    kind: 'delta',
    put: [record('d')],
    removed: ['a', 'b'],
  });
  expect(ledger.update({ vanished: ['b'] })).toBeUndefined();
  ledger.replace([record('d')], false);
  expect(ids()).toEqual(['d']);
});

test('after an outage those that vanished are held until the grace is over', () => {
  const { ledger, clock, ids } = ledgerOf('a', 'b', 'c');
  ledger.replace([record('c')], true);
  expect(ids().sort()).toEqual(['a', 'b', 'c']);
  expect(ledger.update({ vanished: ['c'] })).toBeUndefined();
  expect(ledger.update({ put: [record('a', 2)] })).toEqual({
    kind: 'delta',
    put: [record('a', 2)],
    removed: [],
  });
  clock.ms = 99;
  expect(ledger.takeOverdue()).toBeUndefined();
  clock.ms = 100;
  expect(ledger.takeOverdue()).toEqual({ kind: 'delta', put: [], removed: ['b', 'c'] });
  expect(ids()).toEqual(['a']);
  expect(ledger.takeOverdue()).toBeUndefined();
});

test('who takes itself out during the grace is gone at once', () => {
  const { ledger, ids } = ledgerOf('a', 'b');
  ledger.replace([record('a')], true);
  expect(ledger.update({ left: ['a', 'b'] })).toEqual({ kind: 'delta', put: [], removed: ['a', 'b'] });
  expect(ids()).toEqual([]);
});

test('a second outage begins the grace anew; reading anew within it does not', () => {
  const { ledger, clock, ids } = ledgerOf('a');
  ledger.replace([], true);
  clock.ms = 60;
  ledger.replace([], true);
  clock.ms = 150;
  ledger.replace([], false);
  expect(ids()).toEqual(['a']);
  clock.ms = 160;
  expect(ledger.takeOverdue()).toMatchObject({ removed: ['a'] });
});
