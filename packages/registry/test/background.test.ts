import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ColorwayError, type StateStore } from '@colorway/core';
import { Reporter, runningTasks, Scope } from '@colorway/core/background';
import { createColoring, Environments } from '@colorway/registry';
import { type Away, memoryDirectory } from '@colorway/registry/memory';
import fc from 'fast-check';
import { keepEnvironment } from '../src/coloring/environment-upkeep.js';
import { coloringOn, listening } from './support/coloring.js';
import { COLORING_CALLS, makeRed, makeUnread, settled } from './support/public-calls.js';
import { pause, until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

function listeningReporter(): { reporter: Reporter; lines: string[] } {
  const lines: string[] = [];
  const line = (message: string): void => void lines.push(message);
  return { reporter: new Reporter({ debug: line, info: line, warn: line, error: line }), lines };
}

describe('the end of expired environments', () => {
  it('of one that fails holds up no other, is reported, and is tried again', async () => {
    const { state } = memoryDirectory();
    let broken = true;
    const failing: StateStore = {
      ...delegating(state),
      compareAndSet: async (key, value, version) => {
        if (broken && key === 'env/bad')
          throw new ColorwayError('COLORWAY_DIRECTORY_FAILED', 'no right to write');
        return state.compareAndSet(key, value, version);
      },
    };
    const clock = { now: 1_000 };
    const environments = new Environments(failing, { now: () => clock.now });
    for (const color of ['ant', 'bad', 'cat'])
      await environments.create(color, { owner: 'ann', ttlMs: 10, services: ['order'] });
    clock.now += 20;
    await expect(environments.endExpired()).rejects.toThrow('no right to write');
    expect((await state.list('')).map(({ key }) => key)).toEqual(['CE_order/bad', 'env/bad']);
    broken = false;
    expect(await environments.endExpired()).toEqual(['bad']);
  });
});

describe('the upkeep of an environment', () => {
  it('does not pile up where the directory hangs, and is reported once, and when it works again', async () => {
    const { reporter, lines } = listeningReporter();
    const { state } = memoryDirectory();
    let calls = 0;
    let mode: 'hang' | 'fail' | 'work' = 'fail';
    const environments = new Environments({
      ...delegating(state),
      get: async (key) => {
        calls++;
        if (mode === 'hang') return new Promise(() => {});
        if (mode === 'fail') throw new Error('it is away');
        return state.get(key);
      },
    });
    const scope = new Scope('test', { reporter });
    keepEnvironment(scope, environments, 'red', 40);
    await until('tried again and again', () => calls >= 4);
    mode = 'work';
    await until('it works', () => lines.length === 2);
    expect(lines).toEqual([
      expect.stringContaining('COLORWAY_UPKEEP_FAILED: To extend environment red fails'),
      expect.stringContaining('works again'),
    ]);
    mode = 'hang';
    const before = calls;
    await pause(200);
    expect(calls - before).toBe(1);
    await scope.dispose();
    expect(runningTasks()).toEqual([]);
  });
});

describe('a registration', () => {
  it('that was refused for good keeps nothing: no server, no timer', async () => {
    gatherWarnings();
    const directory = memoryDirectory();
    await coloringOn(directory).coloring.environments.create('feat-Cart', { owner: 'ann' });
    const { coloring } = coloringOn({ ...directory, close: async () => {} }, { color: 'feat-cart' });
    const { server } = await listening();
    await expect(coloring.register({ server })).rejects.toMatchObject({
      code: 'COLORWAY_ENVIRONMENT_EXISTS',
    });
    expect(server.listenerCount('session')).toBe(0);
    expect(coloring.scope.running()).toEqual([]);
    const prolong = jest.spyOn(directory.state, 'get');
    await pause(100);
    expect(prolong).not.toHaveBeenCalled();
    await coloring.close();
    expect(server.listening).toBe(true);
  });

  it('asks a readiness check that hangs once, and is registered when it answers', async () => {
    gatherWarnings();
    const { coloring, directory } = coloringOn();
    let calls = 0;
    let answer = (_ready: boolean): void => {};
    const ready = (): Promise<boolean> => {
      calls++;
      return new Promise((resolve) => {
        answer = resolve;
      });
    };
    const registration = await coloring.register({ port: 1, ready });
    await pause(5_000);
    expect(calls).toBe(1);
    expect(registration.state).toBe('pending');
    answer(true);
    await registration.registered();
    expect(calls).toBe(1);
    expect(directory).toBeDefined();
  }, 20_000);

  it('with a readiness check that hangs is closed at once', async () => {
    gatherWarnings();
    const { coloring } = coloringOn();
    await coloring.register({ port: 1, ready: () => new Promise<boolean>(() => {}) });
    const began = performance.now();
    await coloring.close();
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(coloring.scope.running()).toEqual([]);
  });
});

describe('close', () => {
  it('at any moment of any call, twice, with a directory that works, fails or hangs: bounded, nothing left', async () => {
    gatherWarnings();
    const names = Object.keys(COLORING_CALLS);
    const oneCase = fc.record({
      steps: fc.array(fc.constantFrom(...names), { maxLength: 4 }),
      trouble: fc.constantFrom('none' as const, 'refuse' as const, 'hang' as const),
      troubleAfterMs: fc.integer({ min: 0, max: 6 }),
      closeAfterMs: fc.integer({ min: 0, max: 12 }),
      color: fc.constantFrom('', 'red'),
    });
    // Most of a case is waiting: so many go side by side.
    const cases = fc.array(oneCase, { minLength: 1, maxLength: 12, size: 'max' });
    await fc.assert(
      fc.asyncProperty(cases, async (all) => void (await Promise.all(all.map(closeAtAnyMoment)))),
      { numRuns: 60 },
    );
    expect(runningTasks()).toEqual([]);
  }, 120_000);

  it.each(['works', 'hangs', 'hangs during register'])(
    'lets the process end by itself, though the directory %s',
    async (how) => {
      const loader = pathToFileURL(join(__dirname, 'support', 'typescript.mjs')).href;
      const file = join(__dirname, 'support', 'close.child.ts');
      const child = spawn(process.execPath, ['--import', loader, file, how]);
      let text = '';
      child.stdout.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      child.stderr.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      const timer = setTimeout(() => child.kill('SIGKILL'), 25_000);
      const status = await new Promise((resolve) => child.once('exit', resolve));
      clearTimeout(timer);
      expect([status, text]).toEqual([0, expect.stringContaining('closed []')]);
    },
    40_000,
  );
});

async function closeAtAnyMoment(one: {
  readonly steps: readonly string[];
  readonly trouble: 'none' | Away;
  readonly troubleAfterMs: number;
  readonly closeAfterMs: number;
  readonly color: string;
}): Promise<void> {
  const directory = memoryDirectory();
  await makeRed(directory.state);
  await makeUnread(directory.state);
  const coloring = createColoring({
    ...{ service: 'order', color: one.color, directory, leaseMs: 300, directoryTimeoutMs: 100 },
    closing: { noticeMs: 5, drainMs: 500 },
  });
  const called = one.steps.map(async (step) => COLORING_CALLS[step]?.(coloring));
  const outcomes = Promise.allSettled(
    called.map((call, at) => settled(`${one.steps[at]} of ${JSON.stringify(one)}`, call)),
  );
  const disturbed = pause(one.troubleAfterMs).then(() => {
    if (one.trouble !== 'none') directory.disconnect(one.trouble);
  });
  await pause(one.closeAfterMs);
  await settled(`close of ${JSON.stringify(one)}`, Promise.all([coloring.close(), coloring.close()]));
  expect(coloring.scope.running()).toEqual([]);
  await disturbed;
  for (const outcome of await outcomes) {
    if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ColorwayError);
  }
}

function delegating(state: StateStore): StateStore {
  return {
    get: (key) => state.get(key),
    list: (prefix) => state.list(prefix),
    create: (key, value) => state.create(key, value),
    compareAndSet: (key, value, version) => state.compareAndSet(key, value, version),
    compareAndDelete: (key, version) => state.compareAndDelete(key, version),
    watch: (prefix, observer) => state.watch(prefix, observer),
  };
}
