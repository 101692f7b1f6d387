import { validateHeaderValue } from 'node:http';
import { type InstanceRecord, Trail, ViewStore } from '@colorway/core';
import { memoryDirectory } from '@colorway/registry/memory';
import fc from 'fast-check';
import { parseServiceTags } from '../src/consul/catalog-changes.js';
import { parseServiceEntries } from '../src/consul/service-entry.js';
import { instanceFileName, parseInstanceFile } from '../src/file/instance-file.js';
import { Placements } from '../src/nacos/placements.js';
import { parseStoredInstance } from '../src/redis/stored-instance.js';
import { parseStoredRecord } from '../src/stored-record.js';
import { coloringOn } from './support/coloring.js';
import { until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

/** What somebody with a hand on the directory may write: each adapter has to read it, and no caller may fall over. */
const odd = fc.oneof(
  fc.constantFrom(
    '10.0.0.1\n',
    'a\0b',
    'stöck',
    '\u202estock',
    'a\r\nb: c',
    '__proto__',
    'constructor',
    '..',
    '.',
    '',
  ),
  fc.constantFrom(
    '10.0.0.1',
    'stock',
    'api.stripe.com',
    'localhost',
    '169.254.169.254',
    'fe80::1%eth0',
    '\ud800',
  ),
  fc.string({ unit: 'binary', maxLength: 12 }),
);
const anything = fc.oneof(
  { weight: 5, arbitrary: odd },
  { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 2 }) },
  { weight: 1, arbitrary: fc.constant({ toString: 1, valueOf: 2 }) },
);
const numbers = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<unknown>(3001, 80, 0, -1, 65_536, 1e300, 0.5) },
  { weight: 1, arbitrary: anything },
);
const mostly = (usual: unknown, arbitrary: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary });
const record = fc.record(
  {
    id: mostly('stock-1', anything),
    service: mostly('stock', anything),
    host: mostly('10.0.0.1', anything),
    port: mostly(3001, numbers),
    weight: mostly(1, numbers),
    secure: mostly(true, anything),
    metadata: mostly({}, fc.oneof(fc.dictionary(odd, anything), anything)),
    startedAt: mostly(1, numbers),
  },
  { requiredKeys: ['service', 'host', 'port', 'metadata', 'startedAt'] },
);

/** How each adapter reads what was written where it keeps instances. */
const READERS: Record<string, (written: Record<string, unknown>) => InstanceRecord[]> = {
  etcd: (written) =>
    [parseStoredRecord(JSON.stringify(written), typeof written?.id === 'string' ? written.id : 'a')].filter(
      isRead,
    ),
  redis: (written) => [parseStoredInstance(`1000:${JSON.stringify(written)}`, 'instances')].filter(isRead),
  file: (written) => {
    const name = instanceFileName(typeof written?.id === 'string' ? written.id : 'a');
    const file = parseInstanceFile(name, JSON.stringify({ leaseMs: 1_000, instance: written }));
    return file === undefined ? [] : [file.record];
  },
  consul: ({ id, service, host, port, metadata, weight, secure, startedAt }) => {
    const texts = typeof metadata === 'object' && metadata !== null ? Object.entries(metadata) : [];
    const meta = Object.fromEntries(texts.filter(([, value]) => typeof value === 'string'));
    const more = Buffer.from(JSON.stringify({ id, metadata })).toString('base64url');
    const own = {
      'colorway-started-at': String(JSON.stringify(startedAt)),
      'colorway-more-0': more,
      secure: String(JSON.stringify(secure)),
    };
    const entry = {
      Node: { Node: 'n', Address: '10.0.0.2' },
      Service: {
        ID: id,
        Service: service,
        Address: host,
        Port: port,
        Meta: { ...meta, ...own },
        Weights: { Passing: weight },
      },
      Checks: [],
    };
    const foreign = {
      ...entry,
      Service: { ...entry.Service, Meta: meta, Tags: [host, `${JSON.stringify(host)}=1`] },
    };
    parseServiceTags(JSON.stringify({ [JSON.stringify(service) ?? 'a']: [host] }));
    return parseServiceEntries(JSON.stringify([entry, foreign])).map(({ record }) => record);
  },
  nacos: ({ service, host, port, weight, metadata, ...own }) => {
    const texts = typeof metadata === 'object' && metadata !== null ? metadata : {};
    const hosts = [
      { ip: host, port, weight, metadata: { ...texts, COLORWAY_INSTANCE: JSON.stringify(own) } },
      { ip: host, port, weight, metadata },
    ];
    const placements = new Placements('g');
    placements.replace(typeof service === 'string' ? service : 'stock', JSON.parse(JSON.stringify(hosts)));
    return placements.records();
  },
};

const isRead = (read: InstanceRecord | undefined): read is InstanceRecord => read !== undefined;

beforeEach(() => void gatherWarnings());

describe.each(Object.entries(READERS))('%s', (_, readers) => {
  it('reads thousands of hostile records: none breaks it, and what routing uses of them breaks no caller', () => {
    let used = 0;
    fc.assert(
      fc.property(record, (written) => {
        const told: string[] = [];
        const store = new ViewStore({ onUnusable: (why) => told.push(why) });
        store.applyInstances({ kind: 'snapshot', instances: readers(written as Record<string, unknown>) });
        store.applyMemberships({ kind: 'snapshot', entries: [] });
        for (const why of told) expect(why).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
        for (const [service, { uncolored }] of store.current().services.entries()) {
          if (!('instances' in uncolored)) continue;
          for (const instance of uncolored.instances) {
            used++;
            const trail = new Trail();
            trail.add({
              caller: 'a',
              service,
              color: undefined,
              kind: 'baseline',
              reason: 'no-color',
              instance,
              attempt: 1,
            });
            validateHeaderValue('Server-Timing', trail.toServerTiming() ?? '');
            expect(instance.host).toMatch(/^[\x21-\x7e]+$/);
            expect(service).toMatch(/^[A-Za-z0-9._-]+$/);
            expect(['localhost', '169.254.169.254']).not.toContain(service);
          }
        }
      }),
      { numRuns: 2_000 },
    );
    expect(used).toBeGreaterThan(100);
  });
});

const GOOD = { id: 'a', service: 'stock', host: '10.0.0.1', port: 3001, metadata: {}, startedAt: 1 };

describe.each(['etcd', 'redis', 'file'])('%s', (kind) => {
  const told = (part: object): string[] => {
    const whys: string[] = [];
    const store = new ViewStore({ onUnusable: (why) => whys.push(why) });
    store.applyInstances({ kind: 'snapshot', instances: READERS[kind]?.({ ...GOOD, ...part }) ?? [] });
    return whys;
  };

  it.each<[string, object]>([
    ['no service', { service: undefined }],
    ['a host that is a number', { host: 7 }],
    ['no host', { host: undefined }],
    ['a port that is a text', { port: '3001' }],
    ['a weight that is a text', { weight: '2' }],
    ['a weight that is null', { weight: null }],
    ['secure as a text', { secure: 'yes' }],
    ['metadata that is a text', { metadata: 'red' }],
    ['metadata that is a list', { metadata: ['red'] }],
    ['metadata with a number', { metadata: { COLORING_ENV: 7 } }],
  ])('says why a record with %s is left out', (_, part) => {
    expect(told(part)).toEqual([expect.stringContaining('"a"')]);
  });

  it.each<[string, object]>([
    ['no metadata', { metadata: undefined }],
    ['metadata that is null', { metadata: null }],
    ['no start', { startedAt: undefined }],
    ['a start that is a text', { startedAt: 'today' }],
  ])('takes a record with %s, also when it is told again', (_, part) => {
    const store = new ViewStore({ onUnusable: (why) => expect(why).toBeUndefined() });
    const views = [1, 2].map(() => {
      store.applyInstances({ kind: 'snapshot', instances: READERS[kind]?.({ ...GOOD, ...part }) ?? [] });
      store.applyMemberships({ kind: 'snapshot', entries: [] });
      return store.current();
    });
    expect(views[0]?.services.get('stock')?.uncolored.kind).toBe('baseline');
    expect(views[1]).toBe(views[0]);
  });

  it.each([null, 7, 'text', []].map((written) => [JSON.stringify(written), written]))(
    'takes %s for no instance',
    (_, written) => {
      expect(READERS[kind]?.(written as never)).toEqual([]);
    },
  );
});

it('each record that is left out is said once, and no more than a hundred of them', async () => {
  const lines: string[] = [];
  const logger = { debug() {}, info() {}, warn: (line: string) => void lines.push(line), error() {} };
  const directory = memoryDirectory();
  const { coloring } = coloringOn(directory, { logger });
  const good = { id: 'good', service: 'stock', host: '10.0.0.1', port: 1, metadata: {}, startedAt: 0 };
  for (let round = 0; round < 2; round++) {
    for (let index = 0; index < 150; index++) {
      await directory.instances.register({ ...good, id: `bad-${index}`, host: `10.0.0.1\n${index}` }, 60_000);
    }
  }
  await directory.instances.register(good, 60_000);
  await until('the good one', () => coloring.view().services.get('stock')?.uncolored.kind === 'baseline');
  const told = lines.filter((text) => text.includes('bad-'));
  expect(new Set(told).size).toBe(told.length);
  expect(told).toHaveLength(100);
  expect(told.at(-1)).toContain('without a report');
});
