import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { activeColor, type Coloring } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { serviceAuth } from '@colorway/http/auth';
import { expressColoring, type ServerColoringOptions } from '@colorway/http/express';
import { fastifyColoring } from '@colorway/http/fastify';
import { coloredServer } from '@colorway/http/node';
import fastifyWebsocket from '@fastify/websocket';
import { context } from '@opentelemetry/api';
import express from 'express';
import fastify from 'fastify';
import { Server as SocketIo } from 'socket.io';
import { io, type Socket as SocketIoClient } from 'socket.io-client';
import { WebSocket, WebSocketServer } from 'ws';
import { fakeColoring } from './fake-coloring.js';

setupContext();
jest.setTimeout(60_000);
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

const flow = (color?: string): Record<string, string> =>
  color === undefined ? {} : { 'x-infr-flowtype': `CE_${color}` };
const COLORS = ['red', undefined, 'blue'] as const;

interface WebSocketHost {
  readonly name: string;
  /** Starts a server whose sockets answer each message with the color that it is handled in. */
  start(coloring: Coloring, options?: ServerColoringOptions<object>): Promise<number>;
}

/** What every host does with a socket: answers at once, and after a while. */
function answers(socket: WebSocket): void {
  const opened = activeColor() ?? '-';
  socket.on('message', (data) => {
    const first = activeColor() ?? '-';
    setTimeout(() => socket.send(`${opened} ${first} ${activeColor() ?? '-'} ${String(data).length}`), 1);
  });
}

const HOSTS: readonly WebSocketHost[] = [
  {
    name: 'ws beside Express',
    start(coloring, options) {
      const app = express().use(expressColoring(coloring));
      const server = coloredServer(coloring, http.createServer(app), options);
      new WebSocketServer({ server, perMessageDeflate: true }).on('connection', answers);
      return listen(server);
    },
  },
  {
    name: 'ws that was there before, without a server of its own',
    start(coloring, options) {
      const sockets = new WebSocketServer({ noServer: true }).on('connection', answers);
      const server = http.createServer();
      server.on('upgrade', (request, socket, head) => {
        setImmediate(() => {
          sockets.handleUpgrade(request, socket, head, (made) => sockets.emit('connection', made, request));
        });
      });
      return listen(coloredServer(coloring, server, options));
    },
  },
  {
    name: '@fastify/websocket',
    async start(coloring, options) {
      const app = fastify();
      await app.register(fastifyColoring, { ...options, coloring });
      await app.register(fastifyWebsocket, { options: { perMessageDeflate: true } });
      app.register((child, _options, done) => {
        child.get('/', { websocket: true }, answers);
        done();
      });
      closing.push(() => app.close());
      await app.listen({ port: 0, host: '127.0.0.1' });
      return (app.server.address() as AddressInfo).port;
    },
  },
];

describe.each(HOSTS)('law 1 and 8: WebSockets: $name', (host) => {
  it('messages of a connection run in its color, and it is not in flight', async () => {
    const coloring = fakeColoring();
    const port = await host.start(coloring);
    for (const color of COLORS) {
      const socket = await connect(port, flow(color));
      const expected = `${color ?? '-'} ${color ?? '-'} ${color ?? '-'} 5`;
      expect(await ask(socket, 'hello')).toBe(expected);
      expect(await ask(socket, 'again')).toBe(expected);
      expect(coloring.inFlight.count).toBe(0);
    }
    const baggage = await connect(port, { baggage: 'user=7,x-infr-flowtype=CE_red' });
    expect(await ask(baggage, 'hello')).toBe('red red red 5');
  });

  it.each([
    ['short', 90],
    ['long ones, compressed, which wait for each other', 50_000],
  ])('never mix: %s', async (_, length) => {
    const port = await host.start(fakeColoring());
    const sockets = await Promise.all(
      Array.from({ length: 40 }, async (_, index) => {
        const color = COLORS[index % 3];
        return { color: color ?? '-', socket: await connect(port, flow(color)) };
      }),
    );
    const text = 'm'.repeat(length);
    for (let round = 0; round < 3; round++) {
      const answers = await Promise.all(
        sockets.map(async ({ color, socket }) => [color, await ask(socket, text), await ask(socket, text)]),
      );
      for (const [color, ...texts] of answers)
        expect(texts).toEqual(Array(2).fill(`${color} ${color} ${color} ${length}`));
    }
  });

  it('the policy decides, and an invalid flow type is refused where it is to be', async () => {
    const none = await host.start(fakeColoring(), { accept: 'none' });
    expect(await ask(await connect(none, flow('red')), 'hello')).toBe('- - - 5');
    const refuses = await host.start(fakeColoring(), { onInvalid: 'refuse' });
    expect(await statusOf(refuses, { 'x-infr-flowtype': 'CE_' })).toBe(400);
    expect(await ask(await connect(refuses, flow('red')), 'hello')).toBe('red red red 5');
    const auth = serviceAuth({ secret: 's'.repeat(32) });
    expect(await statusOf(await host.start(fakeColoring(), { auth }), flow('red'))).toBe(401);
  });

  it('one that wants another instance is answered 421', async () => {
    const port = await host.start(fakeColoring({ color: 'red' }));
    expect(await statusOf(port, { ...flow('red'), 'x-colorway-wanted': 'order/' })).toBe(421);
    const socket = await connect(port, { ...flow('red'), 'x-colorway-wanted': 'order/red' });
    expect(await ask(socket, 'hello')).toBe('red red red 5');
  });

  it('law 10: an uncolored one enters no context', async () => {
    const port = await host.start(fakeColoring());
    await connect(port, flow('red'));
    const entered = jest.spyOn(context, 'with');
    await ask(await connect(port, {}), 'hello');
    expect(entered).not.toHaveBeenCalled();
    entered.mockRestore();
  });
});

describe.each([
  ['websocket', ['websocket']],
  ['polling', ['polling']],
  ['polling, then websocket', ['polling', 'websocket']],
] as const)('Socket.IO over %s', (_, transports) => {
  async function start(coloring: Coloring): Promise<number> {
    const server = http.createServer();
    const sockets = new SocketIo(coloredServer(coloring, server), { perMessageDeflate: true });
    sockets.on('connection', (socket) => {
      const opened = activeColor() ?? '-';
      socket.on('ask', async (text: string, reply: (answer: string) => void) => {
        const first = activeColor() ?? '-';
        await delay(1);
        reply(`${opened} ${first} ${activeColor() ?? '-'} ${text.length}`);
      });
    });
    closing.push(() => sockets.close());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async function open(port: number, headers: Record<string, string>): Promise<SocketIoClient> {
    const client = io(`http://127.0.0.1:${port}`, {
      transports: [...transports],
      extraHeaders: headers,
      forceNew: true,
      reconnection: false,
    });
    closing.push(() => client.close());
    const settled = await Promise.race([
      new Promise((resolve) => client.on('connect', () => resolve(undefined))),
      new Promise((resolve) => client.on('connect_error', resolve)),
    ]);
    if (settled !== undefined) throw settled;
    const { transport } = client.io.engine;
    if (transports.length === 2 && transport.name === 'polling')
      await new Promise((resolve) => client.io.engine.once('upgrade', resolve));
    return client;
  }

  it('events run in the color of their connection', async () => {
    const port = await start(fakeColoring());
    const clients = await Promise.all(
      [...COLORS, ...COLORS, ...COLORS].map(async (color) => ({
        color,
        client: await open(port, flow(color)),
      })),
    );
    for (const size of [5, 50_000]) {
      const answers = await Promise.all(
        clients.map(({ client }) => client.emitWithAck('ask', 'x'.repeat(size)) as Promise<string>),
      );
      expect(answers).toEqual(clients.map(({ color = '-' }) => `${color} ${color} ${color} ${size}`));
    }
  });

  it('a connection to another instance is refused', async () => {
    const port = await start(fakeColoring());
    await expect(open(port, { 'x-colorway-wanted': 'order/red' })).rejects.toThrow();
    await expect(open(port, { 'x-colorway-wanted': 'order/' })).resolves.toBeDefined();
  });
});

async function listen(server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

async function connect(port: number, headers: Record<string, string>): Promise<WebSocket> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers });
  closing.push(async () => {
    socket.terminate();
    if (socket.readyState !== WebSocket.CLOSED) await once(socket, 'close');
  });
  await once(socket, 'open');
  return socket;
}

async function ask(socket: WebSocket, text: string): Promise<string> {
  const answer = once(socket, 'message');
  socket.send(text);
  return String((await answer)[0]);
}

async function statusOf(port: number, headers: Record<string, string>): Promise<number | undefined> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`, { headers });
  socket.on('error', () => {});
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, http.IncomingMessage];
  response.resume();
  socket.terminate();
  return response.statusCode;
}
