import type { StateStore } from '@colorway/core';
import { askedLast, within, withTimeLimit } from '../../src/background/index.js';

const never = (): Promise<never> => new Promise(() => {});
const late = (): Error => new Error('late');

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

describe('within', () => {
  it('gives the outcome, and leaves no timer', async () => {
    await expect(within(50, Promise.resolve(1), late)).resolves.toBe(1);
    await expect(within(50, Promise.reject(new Error('no')), late)).rejects.toThrow('no');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('fails when there is none in time', async () => {
    const outcome = expect(within(50, never(), late)).rejects.toThrow('late');
    await jest.advanceTimersByTimeAsync(50);
    await outcome;
  });

  it('ends with its signal, before or after, and leaves neither timer nor listener', async () => {
    const controller = new AbortController();
    const { signal } = controller;
    const remove = jest.spyOn(signal, 'removeEventListener');
    const outcome = expect(within(50, never(), late, { signal })).rejects.toThrow('closed');
    controller.abort(new Error('closed'));
    await outcome;
    await expect(within(50, never(), late, { signal })).rejects.toThrow('closed');
    expect(jest.getTimerCount()).toBe(0);
    expect(remove).toHaveBeenCalledTimes(2);
  });
});

describe('what is asked at an end', () => {
  it('is waited for, whatever becomes of it', async () => {
    await askedLast(Promise.resolve(1));
    await askedLast(Promise.reject(new Error('gone')));
    expect(jest.getTimerCount()).toBe(0);
  });

  it('is waited for a second where there is no answer', async () => {
    const ended = jest.fn();
    void askedLast(never()).then(ended);
    await jest.advanceTimersByTimeAsync(999);
    expect(ended).not.toHaveBeenCalled();
    await jest.advanceTimersByTimeAsync(1);
    expect(ended).toHaveBeenCalled();
  });
});

describe('a store with a time limit', () => {
  const KEY = 'env/red';
  const CALLS: Readonly<Record<string, (state: StateStore) => Promise<unknown>>> = {
    get: (state) => state.get(KEY),
    list: (state) => state.list(KEY),
    create: (state) => state.create(KEY, ''),
    compareAndSet: (state) => state.compareAndSet(KEY, '', '1'),
    compareAndDelete: (state) => state.compareAndDelete(KEY, '1'),
  };

  it.each(Object.entries(CALLS))(
    'fails %s in time, ends it with its signal, and asks no more then',
    async (name, call) => {
      let asked = 0;
      const ask = (): Promise<never> => {
        asked++;
        return never();
      };
      const hanging: StateStore = {
        ...{ get: ask, list: ask, create: ask, compareAndSet: ask, compareAndDelete: ask },
        watch: () => ({ close: () => {} }),
      };
      const controller = new AbortController();
      const limited = withTimeLimit(hanging, 50, { signal: controller.signal });
      const outcome = expect(call(limited)).rejects.toMatchObject({
        code: 'COLORWAY_DIRECTORY_FAILED',
        message: `The directory has not answered ${name} "env/red" within 50 ms.`,
      });
      await jest.advanceTimersByTimeAsync(50);
      await outcome;
      const closed = expect(call(limited)).rejects.toThrow('closed');
      controller.abort(new Error('closed'));
      await closed;
      expect(asked).toBe(2);
      await expect(call(limited)).rejects.toThrow('closed');
      expect(asked).toBe(2);
      expect(jest.getTimerCount()).toBe(0);
    },
  );
});
