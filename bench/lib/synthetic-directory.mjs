// A directory of any size, as a view store: service-<n>, color-<n>, instances spread over them.
import { membershipKey, ViewStore } from '@colorway/core';

export function directoryOf({
  services,
  colors,
  colorsPerService,
  instances,
  baselineInstances = instances,
}) {
  const store = new ViewStore();
  const records = [];
  const entries = [];
  for (let s = 0; s < services; s++) {
    const service = `service-${s}`;
    for (let i = 0; i < baselineInstances; i++) records.push(record(service, undefined, i));
    for (let c = 0; c < colorsPerService; c++) {
      const color = `color-${(s + c) % colors}`;
      entries.push({ key: membershipKey(service, color), value: '{}', version: '1' });
      // Only service-7 of color-7 is as large as asked: the rest is what stands around it.
      const count = service === 'service-7' && color === 'color-7' ? instances : 1;
      for (let i = 0; i < count; i++) records.push(record(service, color, i));
    }
  }
  store.applyInstances({ kind: 'snapshot', instances: records });
  store.applyMemberships({ kind: 'snapshot', entries });
  return store;
}

export function record(service, color, index) {
  return {
    id: `${service}-${color ?? 'baseline'}-${index}`,
    service,
    host: '10.0.0.1',
    port: 1 + (index % 60_000),
    metadata: color === undefined ? {} : { COLORING_ENV: color },
    startedAt: 0,
  };
}
