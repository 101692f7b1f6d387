import { OwnMessages } from '../../src/kafka/partitions/own-messages.js';

test('a message that a handler was given and did not pass is not owed below the boundary before it', () => {
  const own = new OwnMessages();
  own.add(3n, 3n);
  own.add(7n, 7n);
  own.add(9n, 9n);
  expect(own.last).toBe(9n);
  expect(own.lastBelow(9n)).toBe(7n);
  expect(own.lastBelow(10n)).toBe(9n);
  expect(own.lastBelow(undefined)).toBe(9n);
});

test('one that is delivered again is the last one again, and of those below the position one is kept', () => {
  const own = new OwnMessages();
  for (const offset of [0n, 1n, 2n, 3n]) own.add(offset, 0n);
  own.add(1n, 1n);
  expect(own.last).toBe(1n);
  expect(own.lastBelow(1n)).toBe(0n);
  own.add(5n, 4n);
  expect(own.lastBelow(5n)).toBe(1n);
  expect(own.lastBelow(1n)).toBeUndefined();
});

test('one that was given up and is somebody else’s when it comes again is owed by nobody', () => {
  const own = new OwnMessages();
  own.add(8n, 8n);
  own.add(9n, 9n);
  own.add(10n, 10n);
  own.passedOver('11');
  own.passedOver('100');
  expect(own.last).toBe(10n);
  own.passedOver('10');
  expect(own.last).toBe(9n);
  own.passedOver('9');
  expect(own.last).toBeUndefined();
});
