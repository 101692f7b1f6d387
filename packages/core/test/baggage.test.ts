import { defaultTextMapGetter, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { W3CBaggagePropagator } from '@opentelemetry/core';
import fc from 'fast-check';
import { formatBaggage, parseBaggage, removeBaggageMembers, scanBaggage } from '../src/index.js';

const KEY = 'x-infr-flowtype';
const w3c = new W3CBaggagePropagator();

function asOpenTelemetryReads(header: string) {
  return propagation.getBaggage(w3c.extract(ROOT_CONTEXT, { baggage: header }, defaultTextMapGetter));
}

const keys = fc.constantFrom(KEY, 'a', 'x-infr', `${KEY}2`, `2${KEY}`, 'user.id', 'X-Infr-Flowtype');
const plain = fc.string({ unit: fc.constantFrom(...'abcXYZ019-_.:/()=!'), minLength: 1, maxLength: 12 });
const values = fc.oneof(
  plain,
  fc.string({ minLength: 1, maxLength: 6 }).map(encodeURIComponent),
  fc.constant(KEY),
);
const space = fc.constantFrom('', ' ', '\t', '  ');
const property = fc.constantFrom('', ';p=1', ' ; p', `;${KEY}=trap`, ';a=b;c');
const member = fc
  .tuple(space, keys, space, space, values, space, property)
  .map(([a, key, b, c, value, d, properties]) => `${a}${key}${b}=${c}${value}${d}${properties}`);
const wellFormed = fc.array(member, { minLength: 1, maxLength: 8 }).map((members) => members.join(','));

const hostile = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(
      fc.constantFrom(KEY, '=', ',', ';', '%', '%E0%A4', '%00', ' ', '\t', 'a', '\r\n', '__proto__', '"'),
      { maxLength: 40 },
    )
    .map((parts) => parts.join('')),
);

describe('scanBaggage', () => {
  it('reads what OpenTelemetry reads from a well-formed header', () => {
    fc.assert(
      fc.property(wellFormed, (header) => {
        expect(scanBaggage(header, KEY)).toBe(asOpenTelemetryReads(header)?.getEntry(KEY)?.value);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each([
    [`${KEY}=CE_a`, 'CE_a'],
    [` ${KEY} = CE_a ;p=1,b=c`, 'CE_a'],
    [`a=${KEY}=CE_trap`, undefined],
    [`a=b;${KEY}=CE_trap`, undefined],
    [`${KEY}2=CE_trap,2${KEY}=CE_trap`, undefined],
    [`${KEY}=CE_a,${KEY}=CE_b`, 'CE_b'],
    [`${KEY}=CE%5Fa`, 'CE_a'],
    [`${KEY}=CE_%`, 'CE_%'],
    [`${KEY}`, undefined],
    [`${KEY}=`, ''],
    ['', undefined],
  ])('%p', (header, value) => {
    expect(scanBaggage(header, KEY)).toBe(value);
  });

  it('never throws', () => {
    fc.assert(
      fc.property(hostile, (header) => void scanBaggage(header, KEY)),
      { numRuns: 2_000 },
    );
  });

  it('takes time in proportion to the header: a key that stands everywhere and never matches', () => {
    expect(scanBaggage(`${KEY};`.repeat(100_000), KEY)).toBeUndefined();
    expect(scanBaggage(`${' '.repeat(500_000)}${KEY}=CE_a`, KEY)).toBe('CE_a');
  });
});

describe('parseBaggage', () => {
  it('reads the members that OpenTelemetry reads', () => {
    fc.assert(
      fc.property(wellFormed, (header) => {
        const read = (baggage: ReturnType<typeof asOpenTelemetryReads>) =>
          new Map(baggage?.getAllEntries().map(([key, { value }]) => [key, value]));
        expect(read(parseBaggage(header))).toEqual(read(asOpenTelemetryReads(header)));
      }),
    );
  });

  it('never throws, and stays within the limits', () => {
    fc.assert(fc.property(hostile, (header) => void parseBaggage(header)));
    const thousand = Array.from({ length: 1_000 }, (_, i) => `m${i}=v`).join(',');
    expect(parseBaggage(thousand).getAllEntries()).toHaveLength(180);
    expect(
      parseBaggage(`a=${'x'.repeat(5_000)},b=1`)
        .getAllEntries()
        .map(([key]) => key),
    ).toEqual(['b']);
    expect(parseBaggage('__proto__=1,constructor=2').getEntry('__proto__')?.value).toBe('1');
  });

  it('keeps properties', () => {
    expect(formatBaggage(parseBaggage('a=b;p=1;q'), { key: KEY, value: 'CE_a' })).toBe(
      `${KEY}=CE_a,a=b;p=1;q`,
    );
  });
});

describe('formatBaggage', () => {
  it('is read back by OpenTelemetry, ours first, each member once', () => {
    fc.assert(
      fc.property(
        fc.dictionary(
          keys,
          fc.string({ minLength: 1, maxLength: 8 }).filter((v) => v.trim() === v),
        ),
        (members) => {
          const baggage = propagation.createBaggage(
            Object.fromEntries(Object.entries(members).map(([key, value]) => [key, { value }])),
          );
          const header = formatBaggage(baggage, { key: KEY, value: 'CE_red' });
          expect(header.startsWith(`${KEY}=CE_red`)).toBe(true);
          const read = Object.fromEntries(
            asOpenTelemetryReads(header)
              ?.getAllEntries()
              .map(([key, { value }]) => [key, value]) ?? [],
          );
          expect(read).toEqual({ ...members, [KEY]: 'CE_red' });
        },
      ),
    );
  });

  it('cuts others off at the limits, never ours', () => {
    let baggage = propagation.createBaggage();
    for (let i = 0; i < 400; i++) baggage = baggage.setEntry(`m${i}`, { value: 'x'.repeat(40) });
    const header = formatBaggage(baggage.setEntry('big', { value: 'x'.repeat(5_000) }), {
      key: KEY,
      value: 'CE_red',
    });
    expect(header.length).toBeLessThanOrEqual(8_192);
    expect(header.split(',').length).toBeLessThanOrEqual(180);
    expect(scanBaggage(header, KEY)).toBe('CE_red');
    expect(scanBaggage(header, 'big')).toBeUndefined();
  });
});

it.each([
  ['a=1, x-infr-flowtype=CE_a;p ,b=2', 'a=1,b=2'],
  ['x-infr-flowtype=CE_a', ''],
  [' x-infr-flowtype = CE_a,a=1', 'a=1'],
  ['a=x-infr-flowtype', 'a=x-infr-flowtype'],
  ['', ''],
])('removeBaggageMembers from %p', (header, left) => {
  expect(removeBaggageMembers(header, [KEY, 'env'])).toBe(left);
});
