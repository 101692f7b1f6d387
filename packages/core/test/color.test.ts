import fc from 'fast-check';
import { isColor, parseColor } from '../src/index.js';

const CHARACTERS = [...'ABCXYZabcxyz019-'];
const colors = fc
  .array(fc.constantFrom(...CHARACTERS), { minLength: 1, maxLength: 63 })
  .map((characters) => characters.join(''))
  .filter((text) => !text.startsWith('-') && !text.endsWith('-'));

it.each(['a', 'A', '0', 'feat-cart', 'a--b', `a${'-'.repeat(61)}b`, 'x'.repeat(63), 'constructor'])(
  '%p is a color',
  (text) => {
    expect(parseColor(text)).toBe(text);
  },
);

it.each([
  '',
  '-',
  '-a',
  'a-',
  'a_b',
  'a.b',
  'a b',
  ' a',
  'a\n',
  'a\0',
  'é',
  '😀',
  'ａ',
  'CE_a',
  '__proto__',
  'x'.repeat(64),
  'x'.repeat(65_536),
  undefined,
  null,
  7,
  ['a'],
  { toString: () => 'a' },
])('%p is not', (text) => {
  expect(isColor(text)).toBe(false);
  expect(() => parseColor(text)).toThrow(expect.objectContaining({ code: 'COLORWAY_INVALID_COLOR' }));
});

it('every text of the grammar is a color, and nothing longer is', () => {
  fc.assert(
    fc.property(colors, (color) => {
      expect(isColor(color)).toBe(true);
      expect(isColor(`${color}_`)).toBe(false);
      expect(isColor(`${color}-`)).toBe(false);
      expect(isColor(color.padEnd(64, 'x'))).toBe(false);
    }),
  );
});

it('any text either is a color or has a character or length outside the grammar', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (text) => {
      const reference =
        text.length >= 1 &&
        text.length <= 63 &&
        [...text].every((character) => /[A-Za-z0-9-]/.test(character)) &&
        text[0] !== '-' &&
        text.at(-1) !== '-';
      expect(isColor(text)).toBe(reference);
    }),
  );
});
