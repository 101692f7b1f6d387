import fc from 'fast-check';
import {
  type HeaderValue,
  parseFlowType,
  readIncoming,
  resolveCarrierNames,
  scanBaggage,
} from '../src/index.js';

const names = resolveCarrierNames();
const several = resolveCarrierNames({
  headers: ['x-infr-flowtype', 'x-env'],
  baggageKeys: ['x-infr-flowtype', 'env'],
  prefixes: ['CE_', ''],
});
const read = (headers: Record<string, HeaderValue>, carriers = names) =>
  readIncoming((name) => headers[name], carriers);
const flow = (color: string) => ({ kind: 'flow', flow: { kind: 'color', color, text: `CE_${color}` } });
const H = 'x-infr-flowtype';

it.each<[string, Record<string, HeaderValue>, object]>([
  ['nothing', {}, { kind: 'none' }],
  ['the header', { [H]: 'CE_red' }, flow('red')],
  ['spaces around', { [H]: '  CE_red\t' }, flow('red')],
  ['baggage', { baggage: `a=1,${H}=CE_red` }, flow('red')],
  ['baggage in lines', { baggage: ['a=1', `${H}=CE_red`, 'b=2'] }, flow('red')],
  ['both: the header goes first', { [H]: 'CE_red', baggage: `${H}=CE_blue` }, flow('red')],
  [
    'an invalid header: baggage does not mend it',
    { [H]: 'CE_', baggage: `${H}=CE_blue` },
    { kind: 'invalid', text: 'CE_' },
  ],
  ['an empty header, which proxies set from an empty variable', { [H]: '' }, { kind: 'none' }],
  ['blanks', { [H]: ' \t' }, { kind: 'none' }],
  ['an empty header does not hide the baggage', { [H]: '', baggage: `${H}=CE_red` }, flow('red')],
  ['an empty line beside one with a value', { [H]: ', CE_red' }, flow('red')],
  ['an empty member', { baggage: `${H}=` }, { kind: 'none' }],
  ['one value twice', { [H]: 'CE_red, CE_red' }, flow('red')],
  ['one value twice, as a list', { [H]: ['CE_red', 'CE_red'] }, flow('red')],
  ['two values', { [H]: 'CE_red, CE_blue' }, { kind: 'invalid' }],
  ['two values, as a list', { [H]: ['CE_red', 'CE_blue'] }, { kind: 'invalid' }],
  ['an empty list', { [H]: [] }, { kind: 'none' }],
  ['another mark', { [H]: 'loadtest' }, { kind: 'flow', flow: { kind: 'other', text: 'loadtest' } }],
  ['a header of 64 KB', { [H]: `CE_${'a'.repeat(65_536)}` }, { kind: 'invalid' }],
  ['64 KB of commas', { [H]: ','.repeat(65_536) }, { kind: 'invalid' }],
  ['baggage of 8 KB', { baggage: `${'a=b,'.repeat(2_000)}${H}=CE_red` }, flow('red')],
  ['behind what W3C reads of baggage', { baggage: `${'a=b,'.repeat(16_384)}${H}=CE_red` }, { kind: 'none' }],
  ['an encoded key, which OpenTelemetry decodes', { baggage: 'x%2Dinfr-flowtype=CE_red' }, flow('red')],
  ['an encoded key behind the plain one', { baggage: `${H}=CE_red,x%2Dinfr-flowtype=CE_blue` }, flow('blue')],
  ['other baggage alone', { baggage: 'a=1,b=2' }, { kind: 'none' }],
])('%s', (_, headers, expected) => {
  expect(read(headers)).toMatchObject(expected);
});

it('an empty header leaves it to the next name', () => {
  expect(read({ [H]: '', 'x-env': 'red' }, several)).toEqual(flow('red'));
});

it('accepts all names, and writes the first', () => {
  expect(read({ 'x-env': 'red' }, several)).toEqual(flow('red'));
  expect(read({ baggage: 'env=CE_red' }, several)).toEqual(flow('red'));
  expect(read({ 'x-env': 'red', [H]: 'blue' }, several)).toEqual(flow('blue'));
});

it('never throws, and what it takes is a flow type', () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('CE_red', 'CE_', '%', ',', `${H}=CE_a`),
  );
  const value = fc.oneof(text, fc.array(text, { maxLength: 5 }), fc.constant(undefined));
  fc.assert(
    fc.property(value, value, value, fc.constantFrom(names, several), (header, env, baggage, carriers) => {
      const incoming = read({ [H]: header, 'x-env': env, baggage }, carriers);
      if (incoming.kind === 'flow') expect(incoming.flow.text).toMatch(/^[\x21-\x7e]{1,256}$/);
      if (incoming.kind === 'invalid') expect(typeof incoming.text).toBe('string');
    }),
    { numRuns: 1_000 },
  );
});

it('what was read before changes nothing: each baggage header means what its last member says', () => {
  const value = fc.constantFrom('CE_red', 'CE_redder', 'CE_blue', 'CE_', 'CE%5Fred', 'CE_red%20', 'loadtest');
  const key = fc.constantFrom(H, `${H}2`, `a${H}`, 'env', 'user');
  const space = fc.constantFrom('', ' ');
  const member = fc
    .tuple(space, key, space, value, space, fc.constantFrom('', ';p', `;${H}=CE_red`))
    .map((parts) => `${parts[0]}${parts[1]}${parts[2]}=${parts[2]}${parts[3]}${parts[4]}${parts[5]}`);
  const header = fc.array(member, { maxLength: 4 }).map((members) => members.join(','));
  fc.assert(
    fc.property(fc.array(fc.tuple(header, fc.constantFrom(names, several)), { maxLength: 6 }), (requests) => {
      for (const [baggage, carriers] of requests) {
        const text = carriers.baggageKeys
          .map((key) => scanBaggage(baggage, key))
          .find((found) => found !== undefined);
        const flow = text === undefined ? undefined : parseFlowType(text, carriers);
        if (text === undefined) expect(read({ baggage }, carriers)).toEqual({ kind: 'none' });
        else
          expect(read({ baggage }, carriers)).toEqual(
            flow ? { kind: 'flow', flow } : { kind: 'invalid', text },
          );
      }
    }),
    { numRuns: 3_000 },
  );
});

it.each([
  [`${H}=CE_red,${H}=CE_blue`, flow('blue')],
  [`${H}=CE_redder`, flow('redder')],
  [`a${H}=CE_red`, { kind: 'none' }],
  [`a=1;${H}=CE_red`, { kind: 'none' }],
  [`${H}=CE_red;p=1`, flow('red')],
  [`a=1,${H}=CE_red`, flow('red')],
])('also %p, right behind a request of the color red', (baggage, expected) => {
  expect(read({ baggage: `${H}=CE_red` })).toEqual(flow('red'));
  expect(read({ baggage })).toEqual(expected);
});

it('a line repeated more often than any proxy would is invalid', () => {
  expect(read({ [H]: Array(16).fill('CE_red') })).toEqual(flow('red'));
  expect(read({ [H]: Array(17).fill('CE_red') })).toMatchObject({ kind: 'invalid' });
});
