import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { activeColor } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { expressColoring } from '@colorway/http/express';
import { fastifyColoring } from '@colorway/http/fastify';
import { coloredServer } from '@colorway/http/node';
import fastifyWebsocket from '@fastify/websocket';
import express from 'express';
import fastify from 'fastify';
import { WebSocket, WebSocketServer } from 'ws';
import { FakeColoring } from '../support/fake-coloring.js';

setupContext();
jest.setTimeout(60_000);
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const RED = { 'x-infr-flowtype': 'CE_red' };

function told(coloring: FakeColoring): string[] {
  const lines: string[] = [];
  jest.spyOn(coloring.reporter, 'once').mockImplementation((code, message) => {
    if (code === 'COLORWAY_UPGRADE_UNCOLORED') lines.push(message);
  });
  return lines;
}

async function listen(server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

async function colorServed(port: number, headers: Record<string, string>): Promise<string> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers });
  const greeting = once(socket, 'message');
  const text = String((await greeting)[0]);
  socket.close();
  await once(socket, 'close');
  return text;
}

const greet = (socket: WebSocket) => socket.send(activeColor() ?? '-');

async function get(port: number): Promise<void> {
  await (await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } })).text();
}

describe('a colored WebSocket to a server that has a middleware alone', () => {
  function serve(coloring: FakeColoring) {
    const app = express().use(expressColoring(coloring), (_req, res) => void res.end('served'));
    const server = http.createServer(app);
    new WebSocketServer({ server }).on('connection', greet);
    return server;
  }

  it('is told, with the remedy, once the server has served a request', async () => {
    const coloring = new FakeColoring({ service: 'stock' });
    const lines = told(coloring);
    const port = await listen(serve(coloring));
    await get(port);
    expect(await colorServed(port, {})).toBe('-');
    expect(lines).toEqual([]);
    expect(await colorServed(port, RED)).toBe('-');
    expect(lines).toEqual([
      expect.stringMatching(/"red" to service "stock".*coloredServer\(coloring, server\)/),
    ]);
  });

  it('is told from the first one on where the server is registered', async () => {
    const coloring = new FakeColoring({ service: 'stock' });
    const lines = told(coloring);
    const server = serve(coloring);
    coloring.servers.add(server);
    const port = await listen(server);
    await colorServed(port, { baggage: 'x-infr-flowtype=CE_red' });
    expect(lines).toHaveLength(1);
  });
});

it.each(['before', 'after'])(
  'nothing is told behind coloredServer, made %s the server is registered',
  async (when) => {
    const coloring = new FakeColoring({ service: 'stock' });
    const lines = told(coloring);
    const app = express().use(expressColoring(coloring), (_req, res) => void res.end('served'));
    const server = http.createServer(app);
    if (when === 'before') coloredServer(coloring, server);
    coloring.servers.add(server);
    if (when === 'after') coloredServer(coloring, server);
    new WebSocketServer({ server }).on('connection', greet);
    const port = await listen(server);
    await get(port);
    expect(await colorServed(port, RED)).toBe('red');
    const refused = new WebSocket(`ws://127.0.0.1:${port}/`, {
      headers: { ...RED, 'x-colorway-wanted': 'order/red' },
    });
    await once(refused, 'error');
    expect(lines).toEqual([]);
  },
);

it.each([
  ['@fastify/websocket', 'red', 0],
  ['a WebSocketServer beside it', '-', 1],
])('Fastify: %s', async (name, color, count) => {
  const coloring = new FakeColoring({ service: 'stock' });
  const lines = told(coloring);
  const app = fastify();
  closing.push(() => app.close());
  app.addHook('onRequest', async () => void (await new Promise((resolve) => setTimeout(resolve, 5))));
  await app.register(fastifyColoring, { coloring });
  if (count === 0) {
    await app.register(fastifyWebsocket);
    app.register((child, _options, done) => {
      child.get('/', { websocket: true }, greet);
      done();
    });
  } else {
    new WebSocketServer({ server: app.server }).on('connection', greet);
  }
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  expect(await colorServed(port, RED)).toBe(color);
  await new Promise((resolve) => setImmediate(resolve));
  expect([name, lines.length]).toEqual([name, count]);
});

it.each(['registered before', 'on a further server of the same application'])(
  'Fastify, whose hooks take a while: nothing is told where the server is %s',
  async (how) => {
    const coloring = new FakeColoring({ service: 'stock' });
    const lines = told(coloring);
    const app = fastify();
    closing.push(() => app.close());
    if (how === 'registered before') coloring.servers.add(app.server);
    app.addHook('onRequest', async () => void (await new Promise((resolve) => setTimeout(resolve, 5))));
    await app.register(fastifyColoring, { coloring });
    await app.register(fastifyWebsocket);
    app.register((child, _options, done) => {
      child.get('/', { websocket: true }, greet);
      child.get('/plain', async () => 'served');
      done();
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    let { port } = app.server.address() as AddressInfo;
    if (how !== 'registered before') {
      // As Fastify itself does for a host with several addresses.
      const further = http.createServer((request, response) => void app.routing(request, response));
      further.on('upgrade', (...args) => void app.server.emit('upgrade', ...args));
      port = await listen(further);
    }
    await (await fetch(`http://127.0.0.1:${port}/plain`, { headers: { connection: 'close' } })).text();
    expect(await colorServed(port, RED)).toBe('red');
    await new Promise((resolve) => setImmediate(resolve));
    expect(lines).toEqual([]);
  },
);

it('an instance that is going away opens nothing for callers that route, and serves all else', async () => {
  const coloring = new FakeColoring({ service: 'stock' });
  const server = coloredServer(
    coloring,
    http.createServer((_request, response) => response.end('served')),
  );
  let upgrades = 0;
  new WebSocketServer({ server }).on('connection', (socket) => {
    upgrades++;
    greet(socket);
  });
  const port = await listen(server);
  const wanted = { 'x-colorway-wanted': 'stock/' };
  await colorServed(port, wanted);
  coloring.isClosing = true;
  const refused = new WebSocket(`ws://127.0.0.1:${port}/`, { headers: wanted });
  refused.on('error', () => {});
  const [, response] = (await once(refused, 'unexpected-response')) as [unknown, http.IncomingMessage];
  expect(response).toMatchObject({ statusCode: 503, headers: { 'x-colorway-misdirected': '1' } });
  response.resume();
  expect(upgrades).toBe(1);
  // Somebody who does not route has nobody else to ask.
  expect(await colorServed(port, RED)).toBe('red');
  const served = await fetch(`http://127.0.0.1:${port}/`, { headers: { ...wanted, connection: 'close' } });
  expect([served.status, await served.text()]).toEqual([200, 'served']);
});
