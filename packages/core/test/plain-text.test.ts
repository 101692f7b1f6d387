import fc from 'fast-check';
import { Reporter } from '../src/background/reporter.js';
import { ColorwayError, plainLines, plainText, quote } from '../src/index.js';

/** Written out by number, and not by the classes that the function itself uses. */
function isDangerous(code: number): boolean {
  return (
    code < 0x20 ||
    (code >= 0x7f && code <= 0x9f) ||
    code === 0xad ||
    code === 0x61c ||
    (code >= 0x200b && code <= 0x200f) ||
    (code >= 0x2028 && code <= 0x202e) ||
    (code >= 0x2060 && code <= 0x206f) ||
    code === 0xfeff ||
    (code >= 0xd800 && code <= 0xdfff) ||
    (code >= 0xe0000 && code <= 0xe007f)
  );
}

function dangerousIn(text: string): string[] {
  return [...text].filter((character) => isDangerous(character.codePointAt(0) ?? 0));
}

const special = fc.constantFrom(
  ...[
    '\u001b[2J',
    '\u009b31m',
    '\u202e',
    '\u2066',
    '\u200f',
    '\u2028',
    '\r\n',
    '\u0000',
    '\u007f',
    '\ud800',
    '\u{e0041}',
  ],
);
const hostile = fc
  .array(fc.oneof(fc.string({ unit: 'binary' }), fc.string(), special), { maxLength: 8 })
  .map((parts) => parts.join(''));

describe('text from outside', () => {
  it('keeps no control, C1 or bidi character', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        expect(dangerousIn(plainText(text))).toEqual([]);
        expect(dangerousIn(quote(text))).toEqual([]);
        expect(dangerousIn(plainLines(text)).filter((one) => one !== '\n')).toEqual([]);
        expect(dangerousIn(new ColorwayError('COLORWAY_CONFLICT', text).message)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps every other character, also of other scripts and pictures', () => {
    const plain = fc.string({ unit: 'grapheme' }).filter((text) => dangerousIn(text).length === 0);
    fc.assert(fc.property(plain, (text) => expect(plainText(text)).toBe(text)));
    expect(plainText('Zoë, 田中, مريم 🛒')).toBe('Zoë, 田中, مريم 🛒');
  });

  it('is still what JSON reads back', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const quoted = quote(text);
        if (text.length <= 80) expect(JSON.parse(quoted)).toBe(text);
        else expect(() => JSON.parse(quoted)).not.toThrow();
      }),
    );
  });

  it('stays one line where lines are not ours', () => {
    expect(plainText('ann\ncolorway: all is well')).toBe('ann\\ncolorway: all is well');
    expect(plainLines('one\ntwo\u001b[2J')).toBe('one\ntwo\\u001b[2J');
  });

  it('reaches loggers in plain text', () => {
    const lines: string[] = [];
    const note = (line: string): void => void lines.push(line);
    const reporter = new Reporter({ debug: note, info: note, warn: note, error: note });
    fc.assert(
      fc.property(hostile, (text) => {
        reporter.failing('COLORWAY_DIRECTORY_FAILED', text, new Error(`it answered 500: ${text}`));
        reporter.failure('COLORWAY_SWEEP_FAILED', text, new Error(text));
        reporter.warn('COLORWAY_INSTANCE_UNUSABLE', text);
      }),
    );
    expect(lines.length).toBeGreaterThan(100);
    expect(lines.flatMap(dangerousIn)).toEqual([]);
  });
});
