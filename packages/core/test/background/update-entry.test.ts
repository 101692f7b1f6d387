import { memoryDirectory } from '@colorway/registry/memory';
import { CONFLICT, retryConflicts, updateEntry, withTimeLimit } from '../../src/background/index.js';
import type { StateStore } from '../../src/index.js';

function stateStore(): StateStore {
  return memoryDirectory().state as StateStore;
}

test('twenty writers at once: no change is lost', async () => {
  const state = stateStore();
  const add = () =>
    updateEntry(state, 'count', (standing) => {
      const next = Number(standing?.value ?? 0) + 1;
      return { kind: 'put', value: String(next), result: next };
    });
  const results = await Promise.all(Array.from({ length: 20 }, add));
  expect(new Set(results.map(({ result }) => result)).size).toBe(20);
  expect((await state.get('count'))?.value).toBe('20');
});

test('keeps, deletes, and says what stands', async () => {
  const state = stateStore();
  const put = await updateEntry(state, 'key', () => ({ kind: 'put', value: 'a', result: 1 }));
  expect(put).toMatchObject({ written: true, entry: { value: 'a' } });
  const kept = await updateEntry(state, 'key', () => ({ kind: 'keep', result: 2 }));
  expect(kept).toMatchObject({ written: false, result: 2, entry: { value: 'a' } });
  const deleted = await updateEntry(state, 'key', () => ({ kind: 'delete', result: 3 }));
  expect(deleted).toEqual({ written: true, result: 3, entry: undefined });
  expect(await updateEntry(state, 'key', () => ({ kind: 'delete', result: 4 }))).toMatchObject({
    written: false,
  });
});

test('gives up with a typed error when others are always faster', async () => {
  await expect(retryConflicts('The key "a"', async () => CONFLICT)).rejects.toMatchObject({
    code: 'COLORWAY_CONFLICT',
    message: expect.stringContaining('The key "a"'),
  });
}, 30_000);

test('an abort ends the attempts', async () => {
  const abort = new AbortController();
  const attempts = retryConflicts('a', async () => CONFLICT, abort.signal);
  abort.abort(new Error('closed'));
  await expect(attempts).rejects.toThrow('closed');
});

test('a call that hangs is a typed error that names call and key', async () => {
  const hangs = { ...stateStore(), list: () => new Promise<never>(() => {}) };
  await expect(withTimeLimit(hangs, 10).list('mq/')).rejects.toMatchObject({
    code: 'COLORWAY_DIRECTORY_FAILED',
    message: expect.stringContaining('list "mq/" within 10 ms'),
  });
});
