import { checkHistory } from './check-history.js';
import { Disturbances } from './disturbances.js';
import type { Handled } from './history.js';

/** A baseline's consumer that commits late, and got one beside it: the partitions are dealt anew. */
function dealtAnew(): Disturbances {
  const disturbances = new Disturbances();
  disturbances.commitsLate('base 1', '');
  disturbances.begin([''], 'base 2 was started', null)();
  return disturbances;
}

/** Each act is at a time of its own. */
let now = 1_000_000;
beforeEach(() => {
  jest.spyOn(Date, 'now').mockImplementation(() => ++now);
});
afterEach(() => jest.restoreAllMocks());

describe('what was handled and not committed when the partitions were dealt anew may cross over', () => {
  const crossing = expect.objectContaining({ color: 'red', victim: 'base 1' });

  test('where a color became active since', () => {
    const disturbances = dealtAnew();
    expect(disturbances.crossings([])).toEqual([]);
    disturbances.joined('red');
    expect(disturbances.crossings([])).toEqual([crossing]);
    // It has taken over once, and left once.
    disturbances.drained('red');
    expect(disturbances.crossings([])).toEqual([crossing]);
  });

  test('where it left before it was active: it was given its messages and drained of them', () => {
    const disturbances = dealtAnew();
    disturbances.drained('red');
    expect(disturbances.crossings([])).toEqual([crossing]);
    const [{ from } = { from: 0 }] = disturbances.crossings([]);
    const base: Handled = { id: '1', color: 'red', active: 'red', by: 'base 1', pid: 1, at: from - 100 };
    const red: Handled = { ...base, side: 'red', by: 'red 3', pid: 2, at: from + 3_600 };
    const produced = [{ id: '1', color: 'red', sentAt: from - 500, confirmedAt: from - 490 }];
    const history = { produced, handled: [base, red], excuses: [], tenures: [] };
    expect(checkHistory({ ...history, crossings: disturbances.crossings([]) })).toEqual({
      faults: [],
      repeats: 1,
    });
  });

  test('where it came back, and left again before it was active', () => {
    const disturbances = new Disturbances();
    disturbances.commitsLate('base 1', '');
    disturbances.joined('red');
    disturbances.drained('red');
    disturbances.begin([''], 'base 2 was started', null)();
    expect(disturbances.crossings([])).toEqual([]);
    disturbances.drained('red');
    expect(disturbances.crossings([])).toEqual([crossing]);
  });

  test('but not what was done when it had left, or to those who commit at once', () => {
    const disturbances = new Disturbances();
    disturbances.drained('red');
    disturbances.commitsLate('base 1', '');
    disturbances.begin([''], 'base 2 was started', null)();
    expect(disturbances.crossings([])).toEqual([]);
    const prompt = new Disturbances();
    prompt.begin([''], 'base 2 was started', null)();
    prompt.drained('red');
    expect(prompt.crossings([])).toEqual([]);
  });
});
