import { membershipKey, ViewStore } from '@colorway/core';
import { record } from '../lib/synthetic-directory.mjs';
import { timeOperation } from '../lib/time-operation.mjs';

globalThis.gc();
const before = process.memoryUsage().heapUsed;
const store = fill();
globalThis.view = store.current();
globalThis.gc();
const megabytes = (process.memoryUsage().heapUsed - before) / 1e6;

let turn = 0;
const change = (service) => () => {
  store.applyInstances({
    kind: 'delta',
    put: [{ ...record(service, 'color-7', 0), weight: 1 + (turn++ % 2) }],
    removed: [],
  });
  return store.current();
};
const microseconds = timeOperation(change('service-8')) / 1_000;
const wideMicroseconds = timeOperation(change('service-0')) / 1_000;
console.log(JSON.stringify({ megabytes, microseconds, wideMicroseconds }));

/** 1,000 baseline instances, then 9 instances of each color over 9 services; service-0 is in every color. */
function fill() {
  const filled = new ViewStore();
  const instances = Array.from({ length: 1_000 }, (_, index) =>
    record(`service-${index % 300}`, undefined, index),
  );
  const entries = [];
  for (let c = 0; c < 1_000; c++) {
    for (let s = 0; s < 9; s++) {
      const service = s === 0 ? 'service-0' : `service-${(c * 8 + s) % 300}`;
      instances.push(record(service, `color-${c}`, s));
      entries.push({ key: membershipKey(service, `color-${c}`), value: '{}', version: '1' });
    }
  }
  filled.applyInstances({ kind: 'snapshot', instances });
  filled.applyMemberships({ kind: 'snapshot', entries });
  return filled;
}
