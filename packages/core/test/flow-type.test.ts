import fc from 'fast-check';
import {
  colorOf,
  flowTypeOfColor,
  formatFlowType,
  isColor,
  parseFlowType,
  resolveCarrierNames,
} from '../src/index.js';

const defaults = resolveCarrierNames();
const several = resolveCarrierNames({ prefixes: ['CE_', 'env-'] });
const bare = resolveCarrierNames({ prefixes: ['', 'CE_'] });

it.each([
  ['CE_feat-cart', defaults, 'feat-cart', 'CE_feat-cart'],
  ['env-red', several, 'red', 'CE_red'],
  ['env-red', defaults, undefined, 'env-red'],
  ['loadtest', defaults, undefined, 'loadtest'],
  ['ce_red', defaults, undefined, 'ce_red'],
  ['red', bare, 'red', 'red'],
  ['CE_red', bare, 'red', 'red'],
  ['load_test', bare, undefined, 'load_test'],
])('%p is a flow type', (text, names, color, sent) => {
  const flow = parseFlowType(text, names);
  expect(colorOf(flow)).toBe(color);
  expect(flow?.text).toBe(sent);
});

it.each([
  '',
  'CE_',
  'CE_a_b',
  'CE_-a',
  'CE___proto__',
  'a,b',
  'a;b',
  'a b',
  'a"b',
  'a\\b',
  'é',
  'a\r\nb',
  'a\0',
  'x'.repeat(257),
])('%p is none', (text) => {
  expect(parseFlowType(text, defaults)).toBeUndefined();
});

it('formats what it parses, and refuses what is no color', () => {
  expect(formatFlowType('feat-cart', defaults)).toBe('CE_feat-cart');
  expect(() => flowTypeOfColor('feat_cart', defaults)).toThrow(
    expect.objectContaining({ code: 'COLORWAY_INVALID_COLOR' }),
  );
});

it('any text: never throws, and what is sent on means the same again and is safe in a header and in baggage', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.string().map((text) => `CE_${text}`),
        fc.string({ unit: 'binary' }),
      ),
      fc.constantFrom(defaults, several, bare),
      (text, names) => {
        const flow = parseFlowType(text, names);
        if (flow === undefined) return;
        expect(flow.text).toMatch(/^[\x21-\x7e]{1,256}$/);
        expect(flow.text).not.toMatch(/[,;"\\]/);
        expect(parseFlowType(flow.text, names)).toEqual(flow);
        if (flow.kind === 'color') expect(isColor(flow.color)).toBe(true);
        else expect(flow.text).toBe(text);
      },
    ),
  );
});
