import { Reconciler, Reporter, Scope, type StepOutcome, sleep } from '../../src/background/index.js';

const lines: string[] = [];
const log = (line: string) => void lines.push(line);
const reporter = new Reporter({ debug: log, info: log, warn: log, error: log });
const SETTLED: StepOutcome = { kind: 'settled' };
let scope: Scope;
let keys: string[];

beforeEach(() => {
  lines.length = 0;
  keys = ['red', 'blue'];
  scope = new Scope('test', { reporter });
});
afterEach(() => scope.dispose());

function reconcile(step: (key: string) => Promise<StepOutcome>, floorMs = 1, idleMs = 60_000) {
  return new Reconciler<string>({
    ...{ scope, name: 'hand-over of', keys: () => keys, step, floorMs, idleMs },
    backoff: { firstMs: 5, maxMs: 20 },
  });
}

test('a key that hangs or fails holds up no other one', async () => {
  const looks: string[] = [];
  keys = ['hangs', 'fails', 'works'];
  const reconciler = reconcile(async (key) => {
    looks.push(key);
    if (key === 'hangs') await sleep(60_000, scope.signal);
    if (key === 'fails') throw new Error('not allowed');
    return { kind: 'again', afterMs: 1 };
  });
  reconciler.look();
  while (looks.filter((key) => key === 'works').length < 5) await sleep(1);
  expect(looks.filter((key) => key === 'hangs')).toHaveLength(1);
  expect(reconciler.status()).toContainEqual(
    expect.objectContaining({ key: 'fails', state: 'failing', lastError: 'not allowed' }),
  );
});

test('a failure is said once, backs off whoever asks, and its end is said', async () => {
  keys = ['red'];
  let looks = 0;
  const reconciler = reconcile(async () => {
    looks++;
    if (looks < 4) throw new Error('no broker');
    return SETTLED;
  });
  const start = performance.now();
  while (looks < 4) {
    reconciler.look();
    await sleep(0);
  }
  // 2.5 to 5, 5 to 10, 10 to 20 ms.
  expect(performance.now() - start).toBeGreaterThanOrEqual(17);
  await sleep(1);
  expect(lines).toEqual([
    'COLORWAY_RECONCILE_FAILED: hand-over of red fails and is tried again: no broker',
    expect.stringMatching(/works again/),
  ]);
  expect(reconciler.status()).toEqual([expect.objectContaining({ state: 'settled', failures: 0 })]);
});

test('however often it is asked, two looks at one key keep their distance', async () => {
  keys = ['red'];
  const at: number[] = [];
  const reconciler = reconcile(async () => {
    at.push(performance.now());
    return SETTLED;
  }, 20);
  const end = performance.now() + 100;
  while (performance.now() < end) {
    reconciler.look();
    await sleep(0);
  }
  expect(at.length).toBeLessThanOrEqual(6);
  expect(at.length).toBeGreaterThanOrEqual(3);
});

test('what is asked while a look runs is looked at once more', async () => {
  keys = ['red'];
  let looks = 0;
  const reconciler = reconcile(async () => {
    looks++;
    await sleep(5);
    return SETTLED;
  });
  reconciler.look();
  await sleep(1);
  reconciler.look('red');
  reconciler.look('red');
  await sleep(30);
  expect(looks).toBe(2);
});

test('a key that needs nothing any more is forgotten; a settled one is looked at after idleMs', async () => {
  let looks = 0;
  const reconciler = reconcile(
    async () => {
      looks++;
      return SETTLED;
    },
    1,
    10,
  );
  reconciler.look();
  while (looks < 6) await sleep(1);
  keys = [];
  await sleep(30);
  expect(reconciler.status()).toEqual([]);
  const after = looks;
  await sleep(30);
  expect(looks).toBe(after);
});

test('a programming error is internal, and waits like any other', async () => {
  keys = ['red'];
  const reconciler = reconcile(async () => {
    throw new TypeError('undefined is not a function');
  });
  reconciler.look();
  await sleep(2);
  expect(lines).toEqual([expect.stringMatching(/^COLORWAY_INTERNAL: .*undefined is not a function/)]);
});

test('nothing is started after disposal, and disposal waits for what runs', async () => {
  let ended = 0;
  const reconciler = reconcile(async () => {
    await sleep(10);
    ended++;
    return { kind: 'again', afterMs: 1 };
  });
  reconciler.look();
  await sleep(1);
  await scope.dispose();
  expect(ended).toBe(2);
  reconciler.look();
  await sleep(20);
  expect(ended).toBe(2);
});
