import { request } from 'node:http';
import { memoryDirectory } from '@colorway/registry/memory';
import { cleanUp } from './support/clean-up.js';
import { coloringOn, listening } from './support/coloring.js';
import { pause, until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

describe('close', () => {
  it('deregisters, gives notice, drains, closes servers, releases, closes the directory, in that order', async () => {
    const directory = memoryDirectory();
    const steps: string[] = [];
    const deregister = directory.instances.deregister.bind(directory.instances);
    jest.spyOn(directory.instances, 'deregister').mockImplementation((id) => {
      steps.push('deregister');
      return deregister(id);
    });
    const { coloring } = coloringOn(
      {
        ...directory,
        close: async () => {
          steps.push('directory');
        },
      },
      { closing: { noticeMs: 150, drainMs: 2_000 } },
    );
    const { server, port } = await listening();
    server.on('close', () => steps.push('server'));
    await coloring.register({ server });
    coloring.onClose('drain', () => {
      steps.push('drain task');
    });
    coloring.onClose('release', () => {
      steps.push('release task');
    });
    coloring.onClose('release', () => {
      steps.push('taken out');
    })();
    coloring.inFlight.begin(true);
    const closing = coloring.close();
    await until('deregistered', () => steps.includes('deregister'));
    // Notice: callers that have not heard yet are still served.
    expect(await status(port)).toBe(200);
    expect(steps).toEqual(['deregister']);
    await until('draining', () => steps.includes('drain task'));
    await pause(100);
    expect(steps).toEqual(['deregister', 'drain task']);
    steps.push('last request');
    coloring.inFlight.end(true);
    await closing;
    expect(steps).toEqual([
      'deregister',
      'drain task',
      'last request',
      'server',
      'release task',
      'directory',
    ]);
  });

  it('is idempotent, and every later use says that it is closed', async () => {
    const { coloring } = coloringOn();
    await coloring.answeredView();
    const first = coloring.close();
    expect(coloring.close()).toBe(first);
    await expect(coloring.register({ port: 1 })).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
    await first;
    const closed = expect.objectContaining({ code: 'COLORWAY_CLOSED' });
    expect(() => coloring.view()).toThrow(closed);
    expect(() => coloring.onViewChange(() => {})).toThrow(closed);
    expect(() => coloring.onClose('release', () => {})).toThrow(closed);
    expect(() => coloring.environments).toThrow(closed);
    await expect(coloring.answeredView()).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
  });

  it('ends the wait of calls for a first answer', async () => {
    gatherWarnings();
    const directory = memoryDirectory();
    directory.disconnect();
    const { coloring } = coloringOn(directory, { directoryTimeoutMs: 60_000 });
    const waiting = coloring.answeredView();
    const registering = coloring.register({ port: 1 });
    const outcomes = Promise.allSettled([waiting, registering]);
    await coloring.close();
    expect(await outcomes).toMatchObject([
      { status: 'rejected', reason: { code: 'COLORWAY_CLOSED' } },
      { status: 'rejected', reason: { code: 'COLORWAY_CLOSED' } },
    ]);
  });

  it('serves calls of requests in flight until they are done, and takes late release tasks', async () => {
    const { coloring } = coloringOn();
    await coloring.answeredView();
    coloring.inFlight.begin(false);
    const closing = coloring.close();
    await pause(50);
    expect(coloring.view().answered).toBe(true);
    const released = jest.fn();
    coloring.onClose('release', released);
    coloring.inFlight.end(false);
    await closing;
    expect(released).toHaveBeenCalledTimes(1);
  });

  it('goes on after each failure, and says what failed', async () => {
    const warnings = gatherWarnings();
    const directory = memoryDirectory();
    jest.spyOn(directory.instances, 'deregister').mockRejectedValue(new Error('no deregister'));
    const released = jest.fn();
    const { coloring } = coloringOn({ ...directory, close: () => Promise.reject(new Error('no close')) });
    await coloring.register({ port: 1 });
    coloring.onClose('drain', () => Promise.reject(new Error('no drain')));
    coloring.onClose('release', () => {
      throw new Error('no release');
    });
    coloring.onClose('release', released);
    await coloring.close();
    expect(released).toHaveBeenCalled();
    for (const reason of ['no deregister', 'no drain', 'no release', 'no close']) {
      expect(warnings.messages().join()).toContain(reason);
    }
  });

  it('does not wait longer than its deadline for requests that never end', async () => {
    const warnings = gatherWarnings();
    const { coloring } = coloringOn(undefined, { closing: { noticeMs: 0, drainMs: 100 } });
    coloring.inFlight.begin(true);
    await coloring.close();
    expect(warnings.codes()).toEqual(['COLORWAY_CLOSE_INCOMPLETE']);
  });

  it('does not hang on a directory that hangs', async () => {
    gatherWarnings();
    const directory = memoryDirectory();
    const { coloring } = coloringOn({ ...directory, close: () => new Promise(() => {}) });
    await coloring.register({ port: 1 });
    directory.disconnect('hang');
    await coloring.close();
  });

  it('closes a server whose clients keep idle connections, and cuts those that never end', async () => {
    const warnings = gatherWarnings();
    const { coloring } = coloringOn();
    const { server, port } = await listening();
    await coloring.register({ server });
    server.on('request', () => {});
    expect(await status(port, { connection: 'keep-alive' })).toBe(200);
    server.removeAllListeners('request');
    const hanging = status(port).catch(() => 'cut');
    await until(
      'connected',
      () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count > 0))),
    );
    await pause(50);
    await coloring.close();
    expect(await hanging).toBe('cut');
    expect(server.listening).toBe(false);
    expect(warnings.codes()).toEqual(['COLORWAY_CLOSE_INCOMPLETE']);
  });
});

function status(port: number, headers: Record<string, string> = {}): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request({ port, host: '127.0.0.1', headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    cleanUp(() => sent.destroy());
    sent.on('error', reject).end();
  });
}
