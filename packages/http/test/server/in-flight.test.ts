import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import * as core from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { expressColoring } from '@colorway/http/express';
import { fastifyColoring } from '@colorway/http/fastify';
import { nodeColoring } from '@colorway/http/node';
import { context } from '@opentelemetry/api';
import express from 'express';
import fastify from 'fastify';
import { fakeColoring } from './fake-coloring.js';
import { HOSTS, stopHosts } from './hosts.js';
import { get } from './raw-request.js';

setupContext();
afterEach(stopHosts);
afterEach(() => jest.restoreAllMocks());

const RED = 'x-infr-flowtype: CE_red';

async function open(port: number, text: string): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.write(text.replaceAll('\n', '\r\n'));
  return socket;
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries === 400) throw new Error('it never came to be');
    await delay(5);
  }
}

describe.each(HOSTS)('requests in flight: $name', (host) => {
  it('are counted by color until their response is closed', async () => {
    const coloring = fakeColoring();
    const seen: unknown[] = [];
    const { port } = await host.start(coloring, {
      handle: () => {
        seen.push([coloring.inFlight.count, coloring.inFlight.allColored]);
        return {};
      },
    });
    await get(port);
    await get(port, [RED]);
    await get(port, ['x-infr-flowtype: loadtest']);
    expect(seen).toEqual([
      [1, false],
      [1, true],
      [1, false],
    ]);
    await coloring.inFlight.idle();
    expect(coloring.inFlight.count).toBe(0);
  });

  it.each([
    ['colored', RED],
    ['uncolored', 'x-other: 1'],
  ])('end when the caller breaks off: %s', async (_, line) => {
    const coloring = fakeColoring();
    let handled = 0;
    const { port } = await host.start(coloring, {
      handle: () => {
        handled++;
        return undefined; // never answers
      },
    });
    const one = `GET / HTTP/1.1\nhost: a\n${line}\n\n`;
    const sockets = await Promise.all([open(port, one), open(port, one), open(port, one + one + one)]);
    await until(() => handled === 5);
    expect(coloring.inFlight.count).toBe(3); // two of the pipelined ones wait for the first
    for (const socket of sockets) socket.destroy();
    await coloring.inFlight.idle();
    expect(coloring.inFlight.count).toBe(0);
  });

  it('end when the body is broken off', async () => {
    const coloring = fakeColoring();
    const { port } = await host.start(coloring, { handle: () => undefined });
    const socket = await open(
      port,
      `POST / HTTP/1.1\nhost: a\n${RED}\ncontent-type: application/json\ncontent-length: 9\n\n{`,
    );
    await until(() => coloring.inFlight.count === 1);
    socket.destroy();
    await until(() => coloring.inFlight.count === 0);
  });

  it('end when the handler destroys its response', async () => {
    const coloring = fakeColoring();
    const { port } = await host.start(coloring, {
      handle: ({ res }) => {
        res.destroy();
        return undefined;
      },
    });
    const socket = await open(port, `GET / HTTP/1.1\nhost: a\n${RED}\n\n`);
    await once(socket, 'close');
    await until(() => coloring.inFlight.count === 0);
  });

  it('are not raised by an upgrade, which no middleware sees', async () => {
    const coloring = fakeColoring();
    const { port, server } = await host.start(coloring, { handle: () => ({}) });
    const upgrade = `GET / HTTP/1.1\nhost: a\n${RED}\nconnection: upgrade\nupgrade: websocket\n\n`;
    server.once('upgrade', (_req, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'));
    await once((await open(port, upgrade)).resume(), 'close');
    expect(coloring.inFlight.count).toBe(0);
    server.removeAllListeners('upgrade');
    const socket = await open(port, upgrade.replace('upgrade\n', 'upgrade, close\n'));
    socket.resume();
    await once(socket, 'close');
    await until(() => coloring.inFlight.count === 0);
  });

  it('law 10: an uncolored request enters no context', async () => {
    const { port: prepared } = await host.start(fakeColoring(), { handle: () => ({}) });
    await get(prepared, [RED]); // the first colored request installs the context manager
    const entered = jest.spyOn(context, 'with');
    const { port } = await host.start(fakeColoring(), { handle: () => ({}) });
    await get(port);
    await get(port, ['x-infr-flowtype: CE_', 'baggage: user=7']);
    expect(entered).not.toHaveBeenCalled();
    await get(port, [RED]);
    expect(entered).toHaveBeenCalled();
  });
});

it('a response that is closed already is not counted', async () => {
  const coloring = fakeColoring();
  const app = express();
  let passed = false;
  app.use((_req, res, next) => {
    res.on('close', () => setImmediate(next));
  });
  app.use(expressColoring(coloring));
  app.use(() => {
    passed = true;
  });
  const server = createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = await open((server.address() as AddressInfo).port, 'GET / HTTP/1.1\nhost: a\n\n');
  await delay(20);
  socket.destroy();
  await until(() => passed);
  server.close();
  expect(coloring.inFlight.count).toBe(0);
});

it('a request that passes several middlewares is counted once, and the strictest policy wins', async () => {
  const coloring = fakeColoring();
  const app = express();
  app.use(expressColoring(coloring));
  app.use(expressColoring(coloring, { accept: 'none' }));
  app.use((_req, res) => res.json([core.activeColor(), coloring.inFlight.count]));
  const server = createServer(nodeColoring(coloring, (req, res) => void app(req, res))).listen(
    0,
    '127.0.0.1',
  );
  await once(server, 'listening');
  const answer = await get((server.address() as AddressInfo).port, [RED]);
  server.close();
  expect(JSON.parse(answer.body)).toEqual([null, 1]);
});

it('Fastify: holds outside the plugin and in sibling plugins', async () => {
  const coloring = fakeColoring();
  const app = fastify();
  app.register(fastifyColoring, { coloring });
  app.register((child, _options, done) => {
    child.get('/child', async () => [core.activeColor(), coloring.inFlight.count]);
    done();
  });
  app.get('/', async () => [core.activeColor(), coloring.inFlight.count]);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  for (const url of ['/', '/child']) expect((await get(port, [RED], url)).body).toBe('["red",1]');
  await app.close();
  expect(coloring.inFlight.count).toBe(0);
});
