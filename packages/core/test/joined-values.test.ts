import { joinedValues, lastValue } from '../src/index.js';

const bytes = (text: string) => Buffer.from(text);

describe('a carrier that stands several times', () => {
  test.each<[string, unknown, string | undefined, string | undefined]>([
    ['once', 'a=1', 'a=1', 'a=1'],
    ['bytes', bytes('a=1'), 'a=1', 'a=1'],
    ['several, in their order', ['a=1', bytes('b=2'), 'c=3'], 'a=1,b=2,c=3', 'c=3'],
    ['empty ones count as absent', ['', 'a=1', bytes('')], 'a=1', 'a=1'],
    ['nothing but empty ones', ['', bytes('')], undefined, undefined],
    ['an empty one', '', undefined, undefined],
    ['no text at all', [1, null, {}, ['a=1']], undefined, undefined],
    ['absent', undefined, undefined, undefined],
  ])('%s', (_what, value, joined, last) => {
    expect(joinedValues(value)).toBe(joined);
    expect(lastValue(value)).toBe(last);
  });

  test('what does not fit is passed over, and no list is read for ever', () => {
    expect(joinedValues(['a'.repeat(6), 'b'.repeat(6), 'cc'], 9)).toBe('aaaaaa,cc');
    expect(joinedValues('a'.repeat(10), 9)).toBeUndefined();
    expect(lastValue(['a', 'b'.repeat(10)], 9)).toBeUndefined();
    expect(
      joinedValues(
        Array.from({ length: 1_000_000 }, () => 'a'),
        100_000,
      ),
    ).toHaveLength(359);
  });
});
