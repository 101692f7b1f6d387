import { checkHistory, LOOK_BACK_MS } from './check-history.js';
import type { Crossing, Excuse, Handled, History, Produced, Tenure } from './history.js';

const T = 1_000_000;

function sent(id: string, color?: string, at = T, confirmed = true): Produced {
  return { id, color, sentAt: at, ...(confirmed && { confirmedAt: at + 5 }) };
}

function handled(id: string, color?: string, by = 'base', at = T + 10, more: Partial<Handled> = {}): Handled {
  const side = by.startsWith('base') ? undefined : by.split(' ')[0];
  return {
    id,
    by,
    pid: 1,
    at,
    ...(color !== undefined && { color, active: color }),
    ...(side !== undefined && { side }),
    ...more,
  };
}

function excuse(group: string, from: number, to = from + 1_000): Excuse {
  return { group, from, to, why: 'made up' };
}

function crossing(color: string, victim: string | undefined, from: number, to = from + 1_000): Crossing {
  return { color, victim, from, to };
}

function kinds(parts: Partial<History>): string[] {
  const none = { produced: [], handled: [], excuses: [], crossings: [], tenures: [] };
  return checkHistory({ ...none, ...parts }).faults.map(({ kind }) => kind);
}

describe('a history that is good', () => {
  test('each message once, on the side that may', () => {
    const produced = [sent('1'), sent('2', 'red'), sent('3', 'red'), sent('4', 'blue')];
    const all = [handled('1'), handled('2', 'red', 'red 1'), handled('3', 'red'), handled('4', 'blue')];
    expect(kinds({ produced, handled: all })).toEqual([]);
  });

  test('a message that was not confirmed may be there or not', () => {
    expect(kinds({ produced: [sent('1', 'red', T, false)] })).toEqual([]);
    expect(kinds({ produced: [sent('1', undefined, T, false)], handled: [handled('1')] })).toEqual([]);
  });

  test('a repeat inside a group that was disturbed, counted', () => {
    const history = {
      produced: [sent('1')],
      handled: [handled('1', undefined, 'base 1'), handled('1', undefined, 'base 2', T + 7_000)],
      excuses: [excuse('', T + 100)],
      crossings: [],
      tenures: [],
    };
    expect(checkHistory(history)).toEqual({ faults: [], repeats: 1 });
  });

  test('a color killed with a message in hand, and drained by the baseline', () => {
    const all = [handled('1', 'red', 'red 1'), handled('1', 'red', 'base', T + 4_000)];
    const crossings = [crossing('red', 'red 1', T + 100)];
    expect(kinds({ produced: [sent('1', 'red')], handled: all, crossings })).toEqual([]);
  });

  test('a baseline consumer killed with a message in hand, whose color joins then', () => {
    const all = [handled('1', 'red', 'base'), handled('1', 'red', 'red 1', T + 9_000)];
    const crossings = [crossing('red', 'base', T + 100)];
    expect(kinds({ produced: [sent('1', 'red')], handled: all, crossings })).toEqual([]);
  });

  test('a paused one that finishes what it had in hand when the other side has handled it', () => {
    const all = [handled('1', 'red', 'red 1', T + 5_000), handled('1', 'red', 'base', T + 8_000)];
    const crossings = [crossing('red', 'base', T + 100, T + 8_500)];
    expect(kinds({ produced: [sent('1', 'red')], handled: all, crossings })).toEqual([]);
  });

  test('two that drain a color, and were dealt its partitions anew', () => {
    const all = [handled('1', 'red', 'base 1'), handled('1', 'red', 'base 2', T + 200)];
    expect(kinds({ produced: [sent('1', 'red')], handled: all, excuses: [excuse('drain/red', T)] })).toEqual(
      [],
    );
  });
});

describe('a history that is bad', () => {
  test('lost', () => {
    expect(kinds({ produced: [sent('1'), sent('2', 'red')], handled: [handled('1')] })).toEqual(['lost']);
  });

  test('handled, and never produced', () => {
    expect(kinds({ handled: [handled('1')] })).toEqual(['never-produced']);
  });

  const twice = [handled('1', 'red', 'red 1'), handled('1', 'red', 'base', T + 200)];

  test('on both sides, whichever was first', () => {
    const produced = [sent('1', 'red')];
    expect(kinds({ produced, handled: twice })).toEqual(['both-sides']);
    const other = [handled('1', 'red', 'base'), handled('1', 'red', 'red 1', T + 200)];
    expect(kinds({ produced, handled: other })).toEqual(['both-sides']);
  });

  test('on both sides: a disturbance of either group is no excuse', () => {
    const excuses = ['', 'red', 'drain/red'].map((group) => excuse(group, T - 1_000, T + 9_000));
    expect(kinds({ produced: [sent('1', 'red')], handled: twice, excuses })).toEqual(['both-sides']);
  });

  test('on both sides: nor what befell another consumer, or another color, or came later, or was long over', () => {
    const history = { produced: [sent('1', 'red')], handled: twice };
    const bad = ['both-sides'];
    expect(kinds({ ...history, crossings: [crossing('red', 'red 2', T)] })).toEqual(bad);
    expect(kinds({ ...history, crossings: [crossing('blue', 'red 1', T)] })).toEqual(bad);
    expect(kinds({ ...history, crossings: [crossing('red', 'red 1', T + 300)] })).toEqual(bad);
    expect(kinds({ ...history, crossings: [crossing('red', 'red 1', T - 3_000)] })).toEqual(bad);
    const late = [handled('1', 'red', 'red 1'), handled('1', 'red', 'base', T + LOOK_BACK_MS + 3_000)];
    const crossings = [crossing('red', 'red 1', T + LOOK_BACK_MS + 1_000)];
    expect(kinds({ ...history, handled: late, crossings })).toEqual(bad);
  });

  test('again with nothing to explain it, or another group’s disturbance, or one too early, or one too late', () => {
    const produced = [sent('1')];
    const all = [handled('1', undefined, 'base 1'), handled('1', undefined, 'base 2', T + 200)];
    const bad = ['unexplained-repeat'];
    expect(kinds({ produced, handled: all })).toEqual(bad);
    expect(kinds({ produced, handled: all, excuses: [excuse('red', T)] })).toEqual(bad);
    expect(kinds({ produced, handled: all, excuses: [excuse('', T - 2_000, T - 1_000)] })).toEqual(bad);
    expect(kinds({ produced, handled: all, excuses: [excuse('', T + 201)] })).toEqual(bad);
  });

  test('again, and the first time was long acknowledged when the disturbance came', () => {
    const late = T + LOOK_BACK_MS + 1_000;
    const all = [handled('1', undefined, 'base 1'), handled('1', undefined, 'base 1', late + 500)];
    expect(kinds({ produced: [sent('1')], handled: all, excuses: [excuse('', late)] })).toEqual([
      'unexplained-repeat',
    ]);
  });

  test('a third time, where only the second is explained', () => {
    const all = [T + 10, T + 300, T + 20_000].map((at) => handled('1', undefined, 'base 1', at));
    const excuses = [excuse('', T + 100, T + 250)];
    expect(kinds({ produced: [sent('1')], handled: all, excuses })).toEqual(['unexplained-repeat']);
  });

  test('an uncolored one, or another color’s, in a colored consumer', () => {
    expect(kinds({ produced: [sent('1')], handled: [handled('1', undefined, 'red 1')] })).toEqual(['stray']);
    expect(kinds({ produced: [sent('1', 'blue')], handled: [handled('1', 'blue', 'red 1')] })).toEqual([
      'stray',
    ]);
  });

  test('in a context without its color, or with another, or one it was not sent with', () => {
    const produced = [sent('1', 'red')];
    const none: Partial<Handled> = { color: 'red' };
    const { active: _, ...without } = handled('1', 'red');
    expect(kinds({ produced, handled: [{ ...without, ...none }] })).toEqual(['wrong-context']);
    expect(kinds({ produced, handled: [handled('1', 'red', 'base', T + 10, { active: 'blue' })] })).toEqual([
      'wrong-context',
    ]);
    expect(
      kinds({ produced: [sent('2')], handled: [handled('2', undefined, 'base', T, { active: 'red' })] }),
    ).toEqual(['wrong-context']);
  });

  describe('the baseline handled a message of a color that took part', () => {
    const produced = [sent('1', 'red', T)];
    const all = [handled('1', 'red', 'base', T + 500)];
    const tenure = (from: number, to?: number): Tenure[] => [
      { color: 'red', from, ...(to !== undefined && { to }) },
    ];

    test('and stays', () => {
      expect(kinds({ produced, handled: all, tenures: tenure(T - 1) })).toEqual(['slid-to-baseline']);
    });
    test('and began to leave later', () => {
      expect(kinds({ produced, handled: all, tenures: tenure(T - 1, T + 600) })).toEqual([
        'slid-to-baseline',
      ]);
    });
    test('but not when it was drained, or sent before it took part, or when it left, or to another color', () => {
      expect(kinds({ produced, handled: all, tenures: tenure(T - 1, T + 400) })).toEqual([]);
      expect(kinds({ produced, handled: all, tenures: tenure(T + 1) })).toEqual([]);
      expect(kinds({ produced, handled: all, tenures: tenure(T - 100, T + 2) })).toEqual([]);
      expect(kinds({ produced, handled: all, tenures: [{ color: 'blue', from: T - 1 }] })).toEqual([]);
    });
  });
});
