import { inTurn, Turns } from '../../src/kafka/messages/turns.js';
import { pause } from './shop.js';

describe('turns of handlers', () => {
  /** Handlers that note when they begin and end; each ends when it is told to. */
  function handlers(turns: Turns) {
    const noted: string[] = [];
    const ends = new Map<string, () => void>();
    const call = (name: string, isWanted = () => true, heartbeat = async () => {}): Promise<boolean> =>
      inTurn(turns, {
        ...{ heartbeat, isWanted },
        handle: async () => {
          noted.push(`+${name}`);
          await new Promise<void>((resolve) => ends.set(name, resolve));
          noted.push(`-${name}`);
        },
      });
    const end = async (name: string): Promise<void> => {
      ends.get(name)?.();
      await pause(1);
    };
    return { noted, call, end };
  }

  test('one at a time, first come first served; a handler that throws gives its turn back', async () => {
    const turns = new Turns();
    const { noted, call, end } = handlers(turns);
    const failing = inTurn(turns, {
      heartbeat: async () => {},
      isWanted: () => true,
      handle: () => Promise.reject(new Error('no')),
    });
    await expect(failing).rejects.toThrow('no');
    const calls = ['a', 'b', 'c'].map((name) => call(name));
    for (const name of ['a', 'b', 'c']) await end(name);
    expect(await Promise.all(calls)).toEqual([true, true, true]);
    expect(noted).toEqual(['+a', '-a', '+b', '-b', '+c', '-c']);
  });

  test('as many at a time as the application says', async () => {
    const { noted, call, end } = handlers(new Turns(2));
    const calls = ['a', 'b', 'c'].map((name) => call(name));
    await pause(1);
    expect(noted).toEqual(['+a', '+b']);
    for (const name of ['b', 'c', 'a']) await end(name);
    await Promise.all(calls);
    expect(noted).toEqual(['+a', '+b', '-b', '+c', '-c', '-a']);
  });

  test('what is not wanted any more after the wait is not handled, and gives its turn on', async () => {
    const { noted, call, end } = handlers(new Turns());
    const first = call('a');
    const stale = call('b', () => false);
    const last = call('c');
    await end('a');
    await end('c');
    expect(await Promise.all([first, stale, last])).toEqual([true, false, true]);
    expect(noted).toEqual(['+a', '-a', '+c', '-c']);
  });

  test('the group hears of who waits; a rebalance ends the wait, and the turn goes on', async () => {
    const { noted, call, end } = handlers(new Turns());
    const first = call('a');
    let beats = 0;
    const beat = async (): Promise<void> => {
      if (++beats === 2) throw new Error('rebalance');
    };
    await expect(call('b', () => true, beat)).rejects.toThrow('rebalance');
    const last = call('c');
    await end('a');
    await pause(1);
    await end('c');
    expect(await Promise.all([first, last])).toEqual([true, true]);
    expect(noted).toEqual(['+a', '-a', '+c', '-c']);
  });

  test('a handler that hangs loses its turn, once', async () => {
    const turns = new Turns(1, { longMs: 100 });
    const { noted, call, end } = handlers(turns);
    const hanging = call('a');
    const next = call('b');
    while (noted.length < 2) await pause(5);
    const last = call('c');
    // It has no turn to give back any more.
    await end('a');
    await pause(5);
    expect(noted).toEqual(['+a', '+b', '-a']);
    await end('b');
    await end('c');
    await Promise.all([hanging, next, last]);
    expect(noted).toEqual(['+a', '+b', '-a', '-b', '+c', '-c']);
  });
});
