import { Revisions } from '../../src/redis/revisions.js';

function begun(at = 10, mark = 'm'): Revisions {
  const revisions = new Revisions();
  revisions.reset();
  revisions.begin(at, mark);
  return revisions;
}

test('what changed is told once, with the last word on each', () => {
  const revisions = begun();
  for (const message of ['11 s env/a', '12 p one', '13 x one', '14 s env/a', '15 l a b\nc'])
    revisions.hear(message);
  const { keys, ids } = revisions.takeChanges();
  expect([...keys]).toEqual(['env/a']);
  expect([...ids]).toEqual([
    ['one', 'x'],
    ['a b\nc', 'l'],
  ]);
  expect(revisions.takeChanges().keys.size).toBe(0);
  expect(revisions.check(15, 'm')).toBe('current');
});

test('messages from before, and what is no message, change nothing', () => {
  const revisions = begun();
  for (const message of ['9 s a', '10 s b', 'x', '11 q c', '']) revisions.hear(message);
  expect(revisions.takeChanges().keys.size).toBe(0);
  expect(revisions.check(10, 'm')).toBe('current');
});

test('what came before the first answer counts from there', () => {
  const revisions = new Revisions();
  revisions.reset();
  for (const message of ['10 s a', '11 s b', '12 s c']) revisions.hear(message);
  revisions.begin(11, 'm');
  expect([...revisions.takeChanges().keys]).toEqual(['c']);
  expect(revisions.hasGap).toBe(false);
});

test('a message that is missing shows with the next one, or when the server is asked', () => {
  const withNext = begun();
  withNext.hear('12 s a');
  expect(withNext.hasGap).toBe(true);
  expect(withNext.check(12, 'm')).toBe('missed');
  expect(begun().check(11, 'm')).toBe('missed');
  // One that is ahead of the answer has come in the meantime.
  const ahead = begun();
  ahead.hear('11 s a');
  expect(ahead.check(10, 'm')).toBe('current');
});

test('data that is another is noticed, whatever its revision', () => {
  expect(begun().check(10, 'other')).toBe('lost');
  expect(begun().check(99, 'other')).toBe('lost');
});
