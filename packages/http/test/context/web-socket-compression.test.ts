import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { activeColor, withColor } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { coloredAgent } from '@colorway/http/agent';
import { expressColoring } from '@colorway/http/express';
import { coloredServer } from '@colorway/http/node';
import { WebSocket, WebSocketServer } from 'ws';
import { FakeColoring } from '../support/fake-coloring.js';

setupContext();
jest.setTimeout(60_000);
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

/* All WebSockets of a process share one queue of `ws`. With room for one, each message is begun by the end of another. */
const perMessageDeflate = { concurrencyLimit: 1 };
const COLORS = [undefined, 'blue'] as const;

/** Every way in which a server's WebSocket becomes known to Colorway. */
const SERVERS = [
  {
    name: 'coloredServer',
    start(coloring: FakeColoring, connected: (socket: WebSocket) => void) {
      const server = coloredServer(coloring, http.createServer());
      new WebSocketServer({ server, perMessageDeflate }).on('connection', connected);
      return server;
    },
  },
  {
    name: 'a middleware that is shown requests whose WebSocket is open (express-ws)',
    start(coloring: FakeColoring, connected: (socket: WebSocket) => void) {
      const server = http.createServer();
      const middleware = expressColoring(coloring) as unknown as (
        request: http.IncomingMessage,
        response: http.ServerResponse,
        next: () => void,
      ) => void;
      new WebSocketServer({ server, perMessageDeflate }).on('connection', (socket, request) =>
        middleware(request, new http.ServerResponse(request), () => connected(socket)),
      );
      return server;
    },
  },
];

describe.each(SERVERS)('law 1 and 4: what waits for the compression of a red message: $name', ({ start }) => {
  async function listen(coloring = new FakeColoring({ service: 'stock' })) {
    const sockets: WebSocket[] = [];
    const server = start(coloring, (socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    const open = async (color?: string, agent?: http.Agent) => {
      const headers = color === undefined ? {} : { 'x-infr-flowtype': `CE_${color}` };
      const client = withColor(
        color,
        () =>
          new WebSocket(`ws://127.0.0.1:${port}/`, {
            headers,
            perMessageDeflate,
            ...(agent === undefined ? {} : { agent }),
          }),
      );
      closing.push(async () => {
        client.terminate();
        if (client.readyState !== WebSocket.CLOSED) await once(client, 'close');
      });
      await once(client, 'open');
      return { client, served: sockets.at(-1) as WebSocket };
    };
    return { open };
  }

  /** Has the queue of `ws` hold red work until all that is begun now is done. */
  function sendRed(served: WebSocket): void {
    withColor('red', () => {
      for (let one = 0; one < 200; one++) served.send('red'.repeat(5_000));
    });
  }

  it.each(COLORS)('a message to the server (color: %s)', async (color) => {
    const { open } = await listen();
    const { served: red } = await open('red');
    const { client, served } = await open(color);
    const seen: unknown[] = [];
    served.on('message', () => seen.push(activeColor()));
    for (let round = 0; round < 2; round++) {
      sendRed(red);
      const arrived = once(served, 'message');
      client.send('hello');
      await arrived;
    }
    expect(seen).toEqual([color, color]);
  });

  it.each(COLORS)('what runs when a message is sent (color: %s)', async (color) => {
    const { open } = await listen();
    const { served: red } = await open('red');
    const { served } = await open(color);
    sendRed(red);
    const seen = await Promise.all(
      (['send', 'ping', 'pong'] as const).map(
        (method) =>
          new Promise((resolve) => {
            const done = () => resolve(activeColor());
            withColor(color, () =>
              method === 'send' ? served.send('hello', done) : served[method]('hello', true, done),
            );
          }),
      ),
    );
    expect(seen).toEqual([color, color, color]);
  });

  it.each(COLORS)('a message to the client (color: %s)', async (color) => {
    const coloring = new FakeColoring({ service: 'stock' });
    const { open } = await listen(coloring);
    const { served: red } = await open('red');
    const agent = coloredAgent(coloring, { propagateTo: ['127.0.0.1'] });
    const { client, served } = await open(color, agent);
    const seen: unknown[] = [];
    client.on('message', () => seen.push(activeColor()));
    sendRed(red);
    const arrived = once(client, 'message');
    served.send('hello');
    await arrived;
    expect(seen).toEqual([color]);
    await new Promise<void>((resolve) =>
      withColor(color, () =>
        client.send('hello', () => {
          seen.push(activeColor());
          resolve();
        }),
      ),
    );
    expect(seen).toEqual([color, color]);
    await coloring.close();
  });
});
