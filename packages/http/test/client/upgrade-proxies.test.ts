import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
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
import { io, type Socket as SocketIoClient } from 'socket.io-client';
import { WebSocket } from 'ws';
import { FakeColoring } from '../support/fake-coloring.js';
import { freePort, recordOf } from '../support/fleet.js';
import { type Opened, opened } from '../support/socket-clients.js';
import { SocketFleet } from '../support/socket-fleet.js';
import type { SocketLike } from '../support/socket-like.js';

jest.setTimeout(30_000);
const fleet = new SocketFleet();
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await fleet.close();
});

async function listen(server: http.Server): Promise<number> {
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** A gateway that hands on everything to service `stock`. */
interface Gateway {
  readonly name: string;
  start(coloring: FakeColoring): Promise<number>;
}

const GATEWAYS: readonly Gateway[] = [
  {
    name: 'http-proxy-middleware',
    start(coloring) {
      const proxy = createProxyMiddleware({
        target: 'http://stock',
        agent: coloredAgent(coloring),
        changeOrigin: true,
        ws: true,
      });
      const server = coloredServer(coloring, http.createServer(express().use(proxy)));
      server.on('upgrade', proxy.upgrade);
      return listen(server);
    },
  },
  {
    name: '@fastify/http-proxy',
    async start(coloring) {
      const app = fastify();
      await app.register(fastifyColoring, { coloring });
      await app.register(fastifyHttpProxy, {
        upstream: 'http://stock',
        undici: coloredDispatcher(coloring) as never,
        websocket: true,
        wsClientOptions: { agent: coloredAgent(coloring) },
      });
      closing.push(() => app.close());
      await app.listen({ port: 0, host: '127.0.0.1' });
      return (app.server.address() as AddressInfo).port;
    },
  },
];

describe.each(GATEWAYS)('upgrades through $name', (gateway) => {
  async function setUp() {
    const coloring = new FakeColoring({ service: 'gateway' });
    closing.push(() => coloring.close());
    const base = await fleet.start(coloring, 'stock');
    const red = await fleet.start(coloring, 'stock', { color: 'red' });
    const blue = await fleet.start(coloring, 'stock', { color: 'blue' });
    const port = await gateway.start(coloring);
    const open = async (color?: string): Promise<Opened> => {
      const headers = color === undefined ? {} : { 'x-infr-flowtype': `CE_${color}` };
      const socket = new WebSocket(`ws://127.0.0.1:${port}/items/7?a=1`, { headers });
      closing.push(() => socket.terminate());
      return opened(socket as unknown as SocketLike);
    };
    return { coloring, base, red, blue, port, open };
  }

  it('law 1, 3 and 4: go to the color that came in, or to the baseline, and say so once', async () => {
    const { base, red, blue, open } = await setUp();
    for (const [color, id] of [
      ['red', red.id],
      ['blue', blue.id],
      ['green', base.id],
      [undefined, base.id],
    ] as const) {
      const socket = await open(color);
      const inColor = color === 'green' || color === undefined ? '' : color;
      expect(socket.greeting).toMatchObject({ id, url: '/items/7?a=1', doubled: [] });
      expect(socket.greeting.color).toBe(color);
      expect(socket.greeting.headers['x-colorway-wanted']).toBe(`stock/${inColor}`);
      expect(await socket.ask('hello')).toBe(`${id} ${color ?? '-'} hello`);
    }
  });

  it('pass over instances that are gone or are another one, and never slide to another color', async () => {
    const { coloring, base, red, blue, open } = await setUp();
    coloring.put(recordOf('gone', 'stock', await freePort(), 'red'));
    await fleet.start(coloring, 'stock', { color: 'red', isReally: 'order' });
    for (let one = 0; one < 8; one++) expect((await open('red')).greeting.id).toBe(red.id);
    coloring.member('stock', 'red');
    coloring.remove(red.id, 'gone');
    await expect(open('red')).rejects.toThrow();
    expect([...base.upgrades, ...blue.upgrades]).toEqual([]);
    expect((await open()).greeting.id).toBe(base.id);
  });

  it('hand on the end of either side', async () => {
    const { red, open } = await setUp();
    const first = await open('red');
    for (const client of red.clients) client.close(4_000, 'over');
    await first.closed();
    const second = await open('red');
    await second.close();
    while (red.clients.size > 0) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});

describe.each([
  ['websocket', ['websocket']],
  ['polling', ['polling']],
  ['polling, then websocket', ['polling', 'websocket']],
] as const)('socket.io-client over %s', (_, transports) => {
  async function shop(coloring: FakeColoring, color?: string) {
    const own = new FakeColoring({ service: 'stock', ...(color === undefined ? {} : { color }) });
    const server = coloredServer(own, http.createServer());
    const sockets = new SocketIo(server);
    sockets.on('connection', (socket) => {
      socket.on('ask', (answer: (text: string) => void) =>
        answer(`${color ?? 'base'} ${activeColor() ?? '-'}`),
      );
    });
    const connections = new Set<Socket>();
    server.on('connection', (socket) => {
      connections.add(socket);
      socket.on('close', () => connections.delete(socket)).on('error', () => {});
    });
    const port = await listen(server);
    closing.push(() => sockets.close());
    coloring.put(recordOf(`stock-${color ?? 'base'}`, 'stock', port, color));
    return { breakOff: () => connections.forEach((socket) => void socket.resetAndDestroy()) };
  }

  function connect(coloring: FakeColoring): SocketIoClient {
    const agent = coloredAgent(coloring);
    const socket = io('http://stock', {
      agent: agent as never,
      transports: [...transports],
      forceNew: true,
      reconnectionDelay: 20,
      reconnectionDelayMax: 50,
    });
    closing.push(() => socket.close());
    return socket;
  }

  it('goes to the color, its events are in it, and so is a connection that is made again', async () => {
    const coloring = new FakeColoring();
    closing.push(() => coloring.close());
    await shop(coloring);
    const red = await shop(coloring, 'red');
    for (const [color, expected] of [
      ['red', 'red red'],
      [undefined, 'base -'],
    ] as const) {
      const seen: string[] = [];
      const socket = withColor(color, () => connect(coloring));
      socket.on('connect', () => void seen.push(activeColor() ?? '-'));
      /* Over polling what is emitted is a request of its own, in the color of who emits. */
      const ask = () => withColor(color, () => socket.emitWithAck('ask') as Promise<string>);
      while (seen.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
      expect(await ask()).toBe(expected);
      if (color !== undefined) {
        red.breakOff();
        while (seen.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
        expect(await ask()).toBe(expected);
      }
      expect(new Set(seen)).toEqual(new Set([color ?? '-']));
      socket.close();
    }
  });
});
