import { Agent, createServer, get, type IncomingMessage } from 'node:http';
import {
  type ClientHttp2Session,
  connect,
  createServer as createServer2,
  type Http2Server,
} from 'node:http2';
import type { AddressInfo, Server } from 'node:net';
import { text } from 'node:stream/consumers';
import { RegisteredServer } from '../src/coloring/registered-server.js';
import { cleanUp } from './support/clean-up.js';
import { coloringOn, listening } from './support/coloring.js';
import { pause, until } from './support/wait.js';
import { gatherWarnings } from './support/warnings.js';

function ask(port: number, agent: Agent): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent }, (response) => resolve(response.resume())).on('error', reject);
  });
}

async function session(port: number): Promise<ClientHttp2Session> {
  const opened = connect(`http://127.0.0.1:${port}`);
  cleanUp(() => opened.destroy());
  await new Promise((resolve) => opened.once('remoteSettings', resolve));
  return opened;
}

async function listen<S extends Server | Http2Server>(server: S): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()));
  cleanUp(() => server.close());
  return (server.address() as AddressInfo).port;
}

describe('going offline', () => {
  it('says at once that it is closing, and sends the callers of kept connections away while it still serves', async () => {
    const { coloring } = coloringOn(undefined, { closing: { noticeMs: 500, drainMs: 500 } });
    const { server, port } = await listening();
    await coloring.register({ server });
    await coloring.register({ server });
    const agent = new Agent({ keepAlive: true });
    cleanUp(() => agent.destroy());
    expect((await ask(port, agent)).headers.connection).toBe('keep-alive');
    expect(coloring.isClosing).toBe(false);
    const closing = coloring.close();
    expect(coloring.isClosing).toBe(true);
    const last = await ask(port, agent);
    expect([last.statusCode, last.headers.connection]).toEqual([200, 'close']);
    await closing;
    expect(coloring.isClosing).toBe(true);
    await expect(ask(port, agent)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('waits longer for callers that have not noticed yet, and not for ever for those who never do', async () => {
    const { coloring } = coloringOn(undefined, { closing: { noticeMs: 1_000, drainMs: 500 } });
    const { server, port } = await listening();
    await coloring.register({ server });
    const agent = new Agent();
    const startedAt = performance.now();
    let isClosed = false;
    const closing = coloring.close().then(() => {
      isClosed = true;
    });
    // A caller that calls every 20 ms: none of its calls fails within the time that it would have had anyway, and more.
    const served: number[] = [];
    while (!isClosed) {
      const outcome = await ask(port, agent).catch(() => undefined);
      if (outcome !== undefined) served.push(performance.now() - startedAt);
      await pause(20);
    }
    await closing;
    expect(Math.max(...served)).toBeGreaterThan(1_600);
  });

  it('does not wait longer for a probe that is told 503', async () => {
    const answers = [503, 200];
    const server = createServer((_request, response) => {
      response.statusCode = answers.shift() ?? 500;
      response.end();
    });
    const registered = new RegisteredServer(server);
    const port = await listen(server);
    registered.sendCallersAway();
    const agent = new Agent();
    const closed: unknown[] = [];
    server.prependListener('request', (_, response) => response.on('close', () => closed.push(1)));
    await ask(port, agent);
    await until('it is answered', () => closed.length === 1);
    expect(registered.lastRequestAt).toBe(Number.NEGATIVE_INFINITY);
    await ask(port, agent);
    await until('a request counts', () => registered.lastRequestAt > 0);
  });

  it('does so where a handler writes its headers at once, too', async () => {
    const { coloring } = coloringOn(undefined, { closing: { noticeMs: 500, drainMs: 500 } });
    const server = createServer((_request, response) => {
      response.writeHead(201, { 'x-own': '1' });
      response.end('done');
    });
    const port = await listen(server);
    await coloring.register({ server });
    const agent = new Agent({ keepAlive: true });
    cleanUp(() => agent.destroy());
    const closing = coloring.close();
    const response = await ask(port, agent);
    expect([response.statusCode, response.headers['x-own'], response.headers.connection]).toEqual([
      201,
      '1',
      'close',
    ]);
    await closing;
  });

  it('ends sessions of HTTP/2: those that call, when their streams are done, and idle ones at last', async () => {
    const warnings = gatherWarnings();
    const { coloring } = coloringOn(undefined, { closing: { noticeMs: 1_000, drainMs: 500 } });
    const server = createServer2((_request, response) => {
      setTimeout(() => response.end('still served'), 50);
    });
    const port = await listen(server);
    await coloring.register({ server });
    const [calling, idle] = [await session(port), await session(port)];
    const closing = coloring.close();
    expect(await text(calling.request({ ':path': '/' }))).toBe('still served');
    await until('the session is told to go', () => calling.closed);
    expect(idle.closed).toBe(false);
    await closing;
    await until('the idle session is gone', () => idle.closed);
    expect(warnings.messages()).toEqual([]);
  });
});
