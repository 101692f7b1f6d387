import { Reporter, runningTasks, Scope, sleep } from '../../src/background/index.js';

function recorded() {
  const lines: string[] = [];
  const logger = {
    debug: () => {},
    info: () => {},
    warn: (line: string) => void lines.push(line),
    error: (line: string) => void lines.push(line),
  };
  return { lines, reporter: new Reporter(logger) };
}

test('disposal aborts, waits for all tasks and child scopes, and then releases in reverse order', async () => {
  const order: string[] = [];
  const scope = new Scope('consumer');
  const child = scope.child('drain');
  const slow = (name: string) => async (signal: AbortSignal) => {
    await sleep(60_000, signal);
    await sleep(5);
    order.push(`${name} ended`);
  };
  scope.spawn('loop', slow('loop'));
  child.spawn('admin', slow('admin'));
  scope.defer(() => order.push('first'));
  scope.defer(() => order.push('second'));
  child.defer(() => order.push('of the child'));
  expect(runningTasks()).toEqual(['consumer > loop', 'consumer > drain > admin']);
  await Promise.all([scope.dispose(), scope.dispose()]);
  expect(order.slice(0, 2).sort()).toEqual(['admin ended', 'loop ended']);
  expect(order.slice(2)).toEqual(['of the child', 'second', 'first']);
  expect(runningTasks()).toEqual([]);
});

test('a disposed scope takes no more work, and says so', async () => {
  const scope = new Scope('consumer');
  await scope.dispose();
  const refused = expect.objectContaining({ code: 'COLORWAY_CLOSED' });
  expect(() => scope.spawn('loop', async () => {})).toThrow(refused);
  expect(() => scope.child('drain')).toThrow(refused);
  expect(() => scope.every(1, 'look', () => {})).toThrow(refused);
  let released = false;
  scope.defer(() => {
    released = true;
  });
  expect(released).toBe(true);
});

test('what was deferred can be released earlier, once', async () => {
  const scope = new Scope('consumer');
  let times = 0;
  const release = scope.defer(() => times++);
  await release();
  await release();
  await scope.dispose();
  expect(times).toBe(1);
});

test('a task that fails is reported; one that ends with the abort is not', async () => {
  const { lines, reporter } = recorded();
  const scope = new Scope('consumer', { reporter });
  scope.spawn('broken', async () => {
    throw new Error('no broker');
  });
  scope.spawn('wrong', () => {
    throw new TypeError('x is not a function');
  });
  scope.spawn('ended', async (signal) => {
    await sleep(60_000, signal);
    signal.throwIfAborted();
  });
  await sleep(1);
  await scope.dispose();
  expect(lines.sort()).toEqual([
    'COLORWAY_BACKGROUND_FAILED: consumer > broken: no broker',
    expect.stringMatching(/^COLORWAY_INTERNAL: consumer > wrong: x is not a function/),
  ]);
});

test('a repeated action reports its failure once, and that it works again', async () => {
  const { lines, reporter } = recorded();
  const scope = new Scope('consumer', { reporter });
  let calls = 0;
  scope.every(1, 'heartbeat', () => {
    calls++;
    if (calls <= 3) throw new Error('no directory');
  });
  while (calls < 6) await sleep(1);
  await scope.dispose();
  const after = calls;
  await sleep(10);
  expect(calls).toBe(after);
  expect(lines).toEqual([
    'COLORWAY_BACKGROUND_FAILED: consumer > heartbeat fails and is tried again: no directory',
    expect.stringMatching(/^COLORWAY_BACKGROUND_FAILED: consumer > heartbeat works again/),
  ]);
});
