import { replayMemory } from '../../src/auth/replay.js';

it('tells a signature that was seen, as long as it counts', () => {
  let now = 0;
  const store = replayMemory(10, () => now);
  expect([store.isNew('a', 100), store.isNew('a', 100), store.isNew('b', 100)]).toEqual([true, false, true]);
  now = 99;
  expect(store.isNew('a', 100)).toBe(false);
  now = 101;
  expect(store.isNew('a', 200)).toBe(true);
});

it('holds no more than it may, forgets the oldest first, and says so once', () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const store = replayMemory(100, () => 0);
  for (let index = 0; index < 150; index++) expect(store.isNew(`n${index}`, 100)).toBe(true);
  expect(store.isNew('n149', 100)).toBe(false);
  expect(store.isNew('n60', 100)).toBe(false);
  expect(store.isNew('n0', 100)).toBe(true);
  expect(warn).toHaveBeenCalledTimes(1);
  warn.mockRestore();
});
