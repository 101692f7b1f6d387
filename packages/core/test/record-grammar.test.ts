import { validateHeaderValue } from 'node:http';
import fc from 'fast-check';
import { DEFAULT_CARRIER_NAMES } from '../src/carrier-names.js';
import { formatWanted, type InstanceRecord, isServiceName, parseWanted } from '../src/index.js';
import { readInstance } from '../src/instance.js';
import { formatEntry } from '../src/trail.js';

const RECORD: InstanceRecord = {
  id: 'stock-1',
  service: 'stock',
  host: '10.0.0.7',
  port: 3001,
  metadata: {},
  startedAt: 0,
};
const read = (part: object) => readInstance({ ...RECORD, ...part } as InstanceRecord, DEFAULT_CARRIER_NAMES);

it.each<[string, object]>([
  ['a name', { host: 'stock-0.stock.default.svc.cluster.local' }],
  ['a name as Compose makes them', { host: 'shop_stock_1' }],
  ['a name with the dot at its end', { host: 'stock.example.' }],
  ['an IPv6 address', { host: 'fe80::1' }],
  ['an IPv6 address with its zone', { host: 'fe80::1%eth0' }],
  ['an IPv4 address in IPv6', { host: '::ffff:10.0.0.1' }],
  ['a service as Spring spells it', { service: 'ORDER-SERVICE' }],
  ['a service with dots and underscores', { service: 'com.acme.order_v2' }],
  ['an id as others make them', { id: 'node 1/stock:8080 ü' }],
  ['metadata of any text', { metadata: { 'ключ "é"': 'line\nbreak', empty: '' } }],
  ['no metadata', { metadata: undefined }],
  ['no time', { startedAt: undefined }],
  ['a weight as Consul has them', { weight: 65_535 }],
])('takes %s', (_, part) => {
  expect(read(part)).toMatchObject({ kind: 'instance' });
});

it.each<[string, object]>([
  ['a host with a line break at its end', { host: '10.0.0.1\n' }],
  ['a host with a header behind it', { host: '10.0.0.1\r\nset-cookie: a=b' }],
  ['a host with NUL', { host: '10.0.0.1\0' }],
  ['a host of other letters', { host: 'stöck' }],
  ['a host of letters that look like others', { host: 'stосk' }],
  ['a host that turns the line', { host: 'stock\u202e' }],
  ['a host in brackets', { host: '[::1]' }],
  ['a host with a port', { host: 'stock:80' }],
  ['a host with a path', { host: 'stock/..' }],
  ['a host with somebody in front', { host: 'user@stock' }],
  ['a host with a quote', { host: 'stock"' }],
  ['a host of 300 characters', { host: 'a'.repeat(300) }],
  ['a host that is a list', { host: ['10.0.0.1'] }],
  ['no IPv6 address', { host: '1::2::3' }],
  ['a zone that is none', { host: 'fe80::1%\n' }],
  ['a service with a line break', { service: 'stock\n' }],
  ['a service with a colon', { service: 'providers:com.acme.Order:1.0' }],
  ['a service of dots', { service: '..' }],
  ['a service that is the metadata address', { service: '169.254.169.254' }],
  ['a service that is it in one number', { service: '2852039166' }],
  ['a service that is it in hexadecimal', { service: '0xa9fea9fe' }],
  ['a service that is an address with a dot at its end', { service: '10.0.0.1.' }],
  ['a service that is this machine', { service: 'LocalHost' }],
  ['a service below this machine', { service: 'api.localhost' }],
  ['a service that says to be Punycode', { service: 'xn--a' }],
  ['a service of 129 characters', { service: 'a'.repeat(129) }],
  ['an id with a line break', { id: 'a\nb' }],
  ['an id with an escape', { id: 'a\u001b[2J' }],
  ['an id with a control of C1', { id: 'a\u009b2J' }],
  ['an id that turns the line', { id: 'a\u202e' }],
  ['an id with a character that cannot be seen', { id: 'a\u200bb' }],
  ['an id of 513 characters', { id: 'a'.repeat(513) }],
  ['an id that is a number', { id: 7 }],
  ['a weight that takes everything', { weight: 1e300 }],
  ['a weight that is a text', { weight: '1' }],
  ['secure as a text', { secure: 'yes' }],
  ['a time out of all time', { startedAt: 1e300 }],
  ['metadata that is a list', { metadata: ['a'] }],
  ['metadata that is a text', { metadata: 'a' }],
  ['metadata with a number', { metadata: { a: 1 } }],
  ['metadata of 257 pairs', { metadata: Object.fromEntries(Array.from({ length: 257 }, (_, n) => [n, ''])) }],
  ['metadata with an endless key', { metadata: { ['a'.repeat(257)]: '' } }],
  ['metadata of 70,000 characters', { metadata: { a: 'b'.repeat(70_000) } }],
])('leaves out %s, and says why in one printable line', (_, part) => {
  const outcome = read(part);
  expect(outcome.kind).toBe('unusable');
  const { why } = outcome as { why: string };
  expect(why.length).toBeLessThan(400);
  expect(why).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
});

const nasty = fc.oneof(
  fc.constantFrom(
    '\n',
    '\r\n',
    '\0',
    '\u202e',
    '\u2028',
    'é',
    '漢',
    '%',
    ':',
    '[',
    '"',
    ';',
    ' ',
    '..',
    'localhost',
  ),
  fc.constantFrom('10.0.0.1', '::1', 'fe80::1%eth0', 'stock', 'a.b', '__proto__', '169.254.169.254'),
  fc.string({ unit: 'binary', maxLength: 3 }),
);
const text = fc.array(nasty, { maxLength: 4 }).map((parts) => parts.join(''));
const any = fc.oneof({ weight: 6, arbitrary: text }, { weight: 1, arbitrary: fc.jsonValue() });
const hostile = fc.record(
  {
    id: any,
    service: any,
    host: any,
    port: fc.oneof(fc.integer({ min: -1, max: 70_000 }), fc.double(), any),
    secure: fc.oneof(fc.boolean(), any),
    weight: fc.oneof(fc.double(), any),
    metadata: fc.oneof(fc.dictionary(text, any), any),
    startedAt: fc.oneof(fc.double(), any),
  },
  { requiredKeys: [] },
);
const valid = fc.constant(RECORD);
const part = fc.oneof(
  fc.record({ host: text }),
  fc.record({ id: text }),
  fc.record({ service: text }),
  fc.record({ weight: fc.double() }),
  fc.record({ metadata: fc.dictionary(text, text) }),
);

it('what is usable fits everywhere where it is written, whatever was read', () => {
  let usable = 0;
  const records = fc.oneof(
    hostile,
    fc.tuple(valid, part).map(([record, part]) => ({ ...record, ...part })),
  );
  fc.assert(
    fc.property(records, (record) => {
      const outcome = readInstance(record as unknown as InstanceRecord, DEFAULT_CARRIER_NAMES);
      if (outcome.kind === 'unusable') return;
      usable++;
      const { instance } = outcome;
      const { service, host, color } = instance;
      const event = {
        caller: 'a',
        service,
        color,
        kind: 'baseline',
        reason: 'no-color',
        instance,
        attempt: 1,
      };
      validateHeaderValue('Server-Timing', formatEntry(event as never));
      expect(parseWanted(formatWanted(service, color))).toBeDefined();
      expect(isServiceName(service)).toBe(true);
      // No address in the eyes of the URL standard either, as far as it takes the name at all.
      if (URL.canParse(`http://${service}`))
        expect(new URL(`http://${service}`).hostname).toBe(service.toLowerCase());
      expect(`${host}:${instance.port}`).toMatch(/^[\x21-\x7e]{3,260}$/);
      expect(instance.weight).toBeGreaterThan(0);
    }),
    { numRuns: 3_000 },
  );
  expect(usable).toBeGreaterThan(100);
});
