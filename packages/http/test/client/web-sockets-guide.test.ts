import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { activeColor, withColor } from '@colorway/core';
import { coloredAgent } from '@colorway/http/agent';
import { fastifyColoring } from '@colorway/http/fastify';
import { coloredServer } from '@colorway/http/node';
import { coloredDispatcher } from '@colorway/http/undici';
import fastifyHttpProxy from '@fastify/http-proxy';
import express from 'express';
import fastify from 'fastify';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { Server as SocketIo } from 'socket.io';
import { io } from 'socket.io-client';
import { getGlobalDispatcher, setGlobalDispatcher, WebSocket as UndiciWebSocket } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { FakeColoring } from '../support/fake-coloring.js';
import { recordOf } from '../support/fleet.js';
import { opened } from '../support/socket-clients.js';
import { SocketFleet } from '../support/socket-fleet.js';
import type { SocketLike } from '../support/socket-like.js';

jest.setTimeout(30_000);

const fleet = new SocketFleet();
const closing: (() => unknown)[] = [];
let coloring: FakeColoring;

beforeEach(() => {
  coloring = new FakeColoring();
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await coloring.close();
  await fleet.close();
});

async function listen(server: http.Server): Promise<number> {
  closing.push(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** Who answers a WebSocket, and in which color. */
async function whoAnswers(socket: unknown): Promise<string> {
  const open = await opened(socket as SocketLike);
  closing.push(() => open.close());
  return `${open.greeting.id} ${open.greeting.color}`;
}

const throughGateway = (port: number) =>
  new WebSocket(`ws://127.0.0.1:${port}/live`, { headers: { 'x-infr-flowtype': 'CE_red' } });

it('coming in', async () => {
  const app = express();
  const colors: unknown[] = [];
  const heard = (color: unknown) => colors.push(color);
  // guide
  const server = coloredServer(coloring, http.createServer(app));
  new WebSocketServer({ server }).on('connection', (socket) => socket.on('message', () => activeColor()));
  // end
  const sockets = new WebSocketServer({ noServer: true });
  server.removeAllListeners('upgrade').on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (made) => {
      made.on('message', () => heard(activeColor())).on('message', () => made.send('heard'));
    });
  });
  // guide
  coloring.onClose('drain', () => {
    for (const socket of sockets.clients) socket.close(1012);
  });
  // end
  const socket = throughGateway(await listen(server));
  await once(socket, 'open');
  socket.send('hello');
  await once(socket, 'message');
  expect(colors).toEqual(['red']);
  const ended = once(socket, 'close');
  await coloring.close();
  expect((await ended)[0]).toBe(1012);
});

it('Socket.IO, both ways', async () => {
  await fleet.start(coloring, 'stock');
  const server = http.createServer();
  // guide
  new SocketIo(server).on('connection', (socket) => socket.on('ask', () => activeColor()));
  // end
  const colors: unknown[] = [];
  const own = coloredServer(new FakeColoring({ service: 'stock', color: 'red' }), http.createServer());
  const sockets = new SocketIo(own);
  sockets.on('connection', (socket) => socket.on('ask', (answer) => answer(activeColor())));
  coloring.put(recordOf('red', 'stock', await listen(own), 'red'));
  await withColor('red', async () => {
    const agent = coloredAgent(coloring) as never;
    // guide
    const notices = io('http://stock', { agent, transports: ['websocket'] });
    // end
    notices.on('connect', () => colors.push(activeColor()));
    colors.push(await notices.emitWithAck('ask'));
    notices.close();
  });
  await sockets.close();
  expect(colors).toEqual(['red', 'red']);
});

describe('going out', () => {
  let id: string;
  beforeEach(async () => {
    await fleet.start(coloring, 'stock');
    id = (await fleet.start(coloring, 'stock', { color: 'red' })).id;
  });

  it('ws', async () => {
    // guide
    const agent = coloredAgent(coloring);
    // end
    await withColor('red', async () => {
      // guide
      const socket = new WebSocket('ws://stock/live', { agent, handshakeTimeout: 5_000 });
      // end
      expect(await whoAnswers(socket)).toBe(`${id} red`);
    });
  });

  it('http-proxy-middleware', async () => {
    const agent = coloredAgent(coloring);
    // guide
    const proxy = createProxyMiddleware({ target: 'http://stock', agent, ws: true });
    // end
    const app = express().use(proxy);
    const server = coloredServer(coloring, http.createServer(app));
    // guide
    server.on('upgrade', proxy.upgrade);
    // end
    expect(await whoAnswers(throughGateway(await listen(server)))).toBe(`${id} red`);
  });

  it('@fastify/http-proxy', async () => {
    const agent = coloredAgent(coloring);
    const app = fastify();
    await app.register(fastifyColoring, { coloring });
    // guide
    await app.register(fastifyHttpProxy, {
      upstream: 'http://stock',
      websocket: true,
      wsClientOptions: { agent },
    });
    // end
    closing.push(() => app.close());
    await app.listen({ port: 0, host: '127.0.0.1' });
    const { port } = app.server.address() as AddressInfo;
    expect(await whoAnswers(throughGateway(port))).toBe(`${id} red`);
  });

  it("undici's and Node's own, with a dispatcher or the global one", async () => {
    // guide
    const dispatcher = coloredDispatcher(coloring);
    // end
    const ofNode = (globalThis as { WebSocket?: typeof UndiciWebSocket }).WebSocket;
    const before = getGlobalDispatcher();
    await withColor('red', async () => {
      for (const WebSocket of ofNode === undefined ? [UndiciWebSocket] : [UndiciWebSocket, ofNode]) {
        // guide
        const socket = new WebSocket('ws://stock/live', { dispatcher });
        // end
        expect(await whoAnswers(socket)).toBe(`${id} red`);
      }
      // guide
      setGlobalDispatcher(dispatcher);
      // end
      closing.push(() => setGlobalDispatcher(before));
      /* Node's own looks for it in Node's realm, which is not the one of tests. */
      expect(await whoAnswers(new UndiciWebSocket('ws://stock/live'))).toBe(`${id} red`);
    });
  });
});

it('the guide shows what runs here, and this runs what the guide shows', () => {
  const guide = readFileSync(join(__dirname, '../../../../docs/guide.md'), 'utf8');
  const section = guide.slice(guide.indexOf('### WebSockets'), guide.indexOf('### NestJS'));
  const blocks = Array.from(section.matchAll(/```ts\n([^`]*)```/g), ([, code = '']) => code).join('');
  const statements = (text: string) =>
    text
      .replace(/(^|\s)\/\/ .*$/gm, '')
      .split(/;\s/)
      .map((one) => one.replace(/\s+/g, ''))
      .map((one) => one.replace(/,(?=[)}])/g, ''))
      .filter((one) => one !== '');
  const source = readFileSync(__filename, 'utf8');
  const run = Array.from(source.matchAll(/\/\/ guide\n([\s\S]*?)\/\/ end\n/g), ([, code = '']) => code).join(
    '',
  );
  expect(new Set(statements(run))).toEqual(new Set(statements(blocks)));
});
