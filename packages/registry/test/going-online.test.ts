import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { memoryDirectory } from '@colorway/registry/memory';
import { cleanUp } from './support/clean-up.js';
import { coloringOn } from './support/coloring.js';
import { pause, until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

/** The instances of `order` that the directory has, by when they say that they began to serve. */
function startedOf(directory: ReturnType<typeof memoryDirectory>): number[] {
  const started: number[] = [];
  directory.instances.watch({
    next(change) {
      started.length = 0;
      for (const { startedAt } of change.kind === 'snapshot' ? change.instances : change.put)
        started.push(startedAt);
    },
    current: () => {},
    error: () => {},
  });
  return started;
}

/** A server whose `/ready` answers what it is told to. */
async function serving(host: string) {
  const asked: (string | undefined)[] = [];
  const state = { status: 503 };
  const server = createServer((request, response) => {
    asked.push(request.url);
    response.statusCode = state.status;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  cleanUp(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, state, asked, port: (server.address() as AddressInfo).port };
}

describe('register({ ready })', () => {
  it.each(['127.0.0.1', '0.0.0.0'])(
    'asks the path on its own port, bound to %s, and announces the instance when it answers 2xx',
    async (host) => {
      const directory = memoryDirectory();
      const started = startedOf(directory);
      const { coloring } = coloringOn(directory, { directoryTimeoutMs: 60_000 });
      const { server, state, asked } = await serving(host);
      const before = Date.now();
      const registering = coloring.register({ server, ready: '/ready', host: 'a.host.that.is.not' });
      await until('it was asked often', () => asked.length >= 3);
      expect(new Set(asked)).toEqual(new Set(['/ready']));
      expect(started).toEqual([]);
      const readyAt = Date.now();
      expect(readyAt).toBeGreaterThan(before);
      state.status = 204;
      const registration = await registering;
      expect(registration.state).toBe('registered');
      // Slow start counts from here.
      await until('it is there', () => started.length === 1);
      expect(started[0]).toBeGreaterThanOrEqual(readyAt);
    },
  );

  it('takes a function that says true, and nothing else for a yes', async () => {
    const { coloring } = coloringOn(undefined, { directoryTimeoutMs: 60_000 });
    const answers: (() => boolean | Promise<boolean>)[] = [
      () => false,
      () => Promise.reject(new Error('the database is away')),
      () => {
        throw new Error('thrown at once');
      },
      () => 'yes' as unknown as boolean,
      async () => true,
    ];
    const registration = await coloring.register({ port: 1, ready: () => (answers.shift() ?? fail)() });
    expect(registration.state).toBe('registered');
    expect(answers).toEqual([]);

    function fail(): boolean {
      throw new Error('asked again after a yes');
    }
  });

  it('declares the member before it is ready: until then its calls fail instead of going to the baseline', async () => {
    const warnings = gatherWarnings();
    const { coloring } = coloringOn(undefined, { color: 'feat-cart', directoryTimeoutMs: 100 });
    let ready = false;
    const registration = await coloring.register({ port: 1, ready: () => ready });
    expect(registration.state).toBe('pending');
    expect(warnings.messages().join()).toContain('it is not ready (its readiness check says no)');
    await until('it is declared', () => {
      const decision = coloring.view().services.get('order')?.colored.get('feat-cart');
      return decision?.kind === 'unavailable' && decision.reason === 'member-down';
    });
    ready = true;
    await registration.registered();
    await until('it is announced', () => {
      return coloring.view().services.get('order')?.colored.get('feat-cart')?.kind === 'colored';
    });
  });

  it('is not asked again when a lease is lost: a check that fails then would take all instances out', async () => {
    const { coloring, directory } = coloringOn(undefined, { directoryTimeoutMs: 10_000 });
    const ready = jest.fn(() => true);
    const started = startedOf(directory);
    const registration = await coloring.register({ port: 1, ready });
    await until('it is there', () => started.length === 1);
    const [first] = started;
    await directory.instances.deregister(registration.id);
    await until('it is there again', () => started.length === 1);
    expect(ready).toHaveBeenCalledTimes(1);
    expect(started).toEqual([first]);
  });

  it('ends with close(), however long a check takes', async () => {
    gatherWarnings();
    const directory = memoryDirectory();
    const register = jest.spyOn(directory.instances, 'register');
    const { coloring } = coloringOn(directory, { directoryTimeoutMs: 50 });
    await coloring.register({ port: 1, ready: () => new Promise<boolean>(() => {}) });
    await coloring.close();
    await pause(50);
    expect(register).not.toHaveBeenCalled();
  });

  it.each(['ready', 7 as unknown as string, ''])('rejects %p', async (ready) => {
    const { coloring } = coloringOn();
    await expect(coloring.register({ port: 1, ready })).rejects.toMatchObject({
      code: 'COLORWAY_INVALID_OPTION',
    });
  });
});
