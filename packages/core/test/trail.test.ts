import { ROOT_CONTEXT } from '@opentelemetry/api';
import fc from 'fast-check';
import {
  activeTrail,
  type DecisionEvent,
  type Instance,
  runInContext,
  Trail,
  withTrail,
} from '../src/index.js';
import { setupContext } from '../src/setup/index.js';

setupContext();

const instance: Instance = {
  id: 'i',
  service: 'order',
  host: '10.0.0.7',
  port: 3001,
  secure: false,
  weight: 1,
  metadata: {},
  startedAt: 0,
  color: 'feat-cart',
};
const event: DecisionEvent = {
  caller: 'gateway',
  service: 'order',
  color: 'feat-cart',
  kind: 'colored',
  reason: 'colored',
  instance,
  attempt: 1,
};
const ENTRY = 'order;desc="feat-cart 10.0.0.7:3001 colored"';

it.each<[Partial<DecisionEvent>, string]>([
  [{}, ENTRY],
  [{ color: undefined, kind: 'baseline', reason: 'no-color' }, 'order;desc="- 10.0.0.7:3001 no-color"'],
  [
    { kind: 'unavailable', reason: 'member-down', instance: undefined },
    'order;desc="feat-cart - member-down"',
  ],
  [{ service: 'my order "x",;\r\n' }, 'my_order__x_____;desc="feat-cart 10.0.0.7:3001 colored"'],
])('tells a decision as a Server-Timing entry: %j', (part, expected) => {
  const trail = new Trail();
  trail.add({ ...event, ...part });
  expect(trail.toServerTiming()).toBe(expected);
});

it('has no header for an empty way', () => {
  expect(new Trail().toServerTiming()).toBeUndefined();
});

it('is taken over by the next service, whatever the address of an instance', () => {
  for (const host of ['10.0.0.7', 'fe80::1', 'fe80::1%eth0', 'my_host.example.', 'f✓x']) {
    const [here, next] = [new Trail(), new Trail()];
    here.add({ ...event, instance: { ...instance, host } });
    next.addHeader(here.toServerTiming() ?? '');
    expect([host, next.toServerTiming()]).toEqual([host, here.toServerTiming()]);
  }
});

it('takes over the entries of a called service, and nothing else', () => {
  const trail = new Trail();
  trail.add(event);
  trail.addHeader(
    `db;dur=53, stock;desc="- 10.0.0.9:3002 not-member", cache;desc="hit", evil;desc="a b colored", ${ENTRY}`,
  );
  expect(trail.toServerTiming()).toBe(
    [ENTRY, 'stock;desc="- 10.0.0.9:3002 not-member"', 'evil;desc="a b colored"', ENTRY].join(', '),
  );
});

it('is bounded, and takes back what it gives out', () => {
  const trail = new Trail();
  for (let i = 0; i < 100; i++) trail.add(event);
  const header = trail.toServerTiming() ?? '';
  expect(header.split(', ')).toHaveLength(32);
  const caller = new Trail();
  caller.addHeader(header);
  expect(caller.toServerTiming()).toBe(header);
});

it('is told in 2,048 characters, by whole entries', () => {
  const long = 's'.repeat(128);
  const host = 'h'.repeat(253);
  const trail = new Trail();
  for (let i = 0; i < 100; i++) {
    trail.add({ ...event, service: long, instance: { ...instance, host } });
    trail.addHeader(`${long};desc="- ${host}:1 colored", ${ENTRY}`);
  }
  const header = trail.toServerTiming() ?? '';
  expect(header.length).toBeLessThanOrEqual(2_048);
  expect(header.length).toBeGreaterThan(2_048 - ENTRY.length - 2);
  for (const entry of header.split(', ')) expect(entry).toMatch(/^\S+;desc="\S+ \S+ colored"$/);
  const caller = new Trail();
  caller.addHeader(header);
  expect(caller.toServerTiming()).toBe(header);
});

it('whatever a service or a header says, the value is one safe header line', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom(ENTRY, '",\r\nx: y', `a${ENTRY}`),
  );
  fc.assert(
    fc.property(fc.array(text), fc.string({ unit: 'binary', minLength: 1 }), (headers, service) => {
      const trail = new Trail();
      trail.add({ ...event, service });
      for (const header of headers) trail.addHeader(header);
      expect(trail.toServerTiming()).toMatch(/^[\x20-\x7e]*$/);
    }),
  );
});

it('belongs to the context that it was put into', () => {
  const trail = new Trail();
  expect(activeTrail()).toBeUndefined();
  expect(runInContext(withTrail(ROOT_CONTEXT, trail), activeTrail)).toBe(trail);
});
