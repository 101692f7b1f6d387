import { once } from 'node:events';
import { createServer } from 'node:http';
import {
  connect,
  createServer as createHttp2Server,
  type Http2ServerRequest,
  type Http2ServerResponse,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { activeColor, explain } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { expressColoring } from '@colorway/http/express';
import { fastifyColoring } from '@colorway/http/fastify';
import { koaColoring } from '@colorway/http/koa';
import { nodeColoring } from '@colorway/http/node';
import express from 'express';
import fastify from 'fastify';
import Koa from 'koa';
import { fakeColoring } from './fake-coloring.js';

setupContext();
const coloring = fakeColoring();

it('the policy sees the request of the framework, with its type', async () => {
  express().use(
    expressColoring(coloring),
    expressColoring<express.Request>(coloring, { accept: ({ ip }) => ip === '::1' }),
  );
  const koa = new Koa();
  koa.use(koaColoring(coloring));
  koa.use(koaColoring<Koa.Context>(coloring, { accept: ({ ip }) => ip === '::1' }));
  const app = fastify();
  await app.register(fastifyColoring, {
    coloring,
    accept: ({ ip, headers }) => ip === '::1' && headers.host !== '',
  });
  createServer(
    nodeColoring(coloring, ({ socket }, response) => response.end(socket.remoteAddress), {
      accept: ({ method }) => method === 'GET',
    }),
  );
  // @ts-expect-error: a promise is not a yes
  expressColoring(coloring, { accept: async () => true });
  await app.close();
});

it('a coloring that is missing is told when the server starts', async () => {
  const missing = expect.objectContaining({
    code: 'COLORWAY_INVALID_OPTION',
    message: expect.stringContaining('coloring'),
  });
  expect(() => expressColoring(undefined as never)).toThrow(missing);
  const app = fastify();
  // @ts-expect-error: fastifyColoring needs its coloring
  app.register(fastifyColoring, {});
  await expect(app.ready()).rejects.toEqual(missing);
});

it('node:http2: color, Server-Timing and requests in flight', async () => {
  const seen: unknown[] = [];
  const server = createHttp2Server(
    nodeColoring(coloring, (request: Http2ServerRequest, response: Http2ServerResponse) => {
      request.on('end', () => {
        seen.push(activeColor(), coloring.inFlight.count);
        const kind = { kind: 'unavailable', reason: 'member-down', instance: undefined } as const;
        explain({ caller: 'a', service: 'stock', color: activeColor(), attempt: 1, ...kind });
        response.end('bye');
      });
      request.resume();
    }),
  ).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const stream = client.request({ ':path': '/', 'x-infr-flowtype': 'CE_red' });
  const [headers] = await once(stream, 'response');
  stream.resume();
  await once(stream, 'close');
  client.close();
  server.close();
  await coloring.inFlight.idle();
  expect(seen).toEqual(['red', 1]);
  expect(headers['server-timing']).toBe('stock;desc="red - member-down"');
});
