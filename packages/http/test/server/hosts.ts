import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Coloring } from '@colorway/core';
import { expressColoring, type ServerColoringOptions } from '@colorway/http/express';
import { fastifyColoring } from '@colorway/http/fastify';
import { koaColoring } from '@colorway/http/koa';
import { nodeColoring } from '@colorway/http/node';
import express5 from 'express';
import fastify from 'fastify';
import Koa from 'koa';

/** What a test's handler gets, whatever the framework. */
export interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** The parsed JSON body, where the framework has a parser. */
  readonly body: unknown;
}

/** Returns what is sent as JSON; `undefined` where it answers on `res` itself. Sees errors that reach the framework's error path. */
export interface App {
  handle(exchange: Exchange): unknown;
  onError?(error: unknown): void;
}

export interface Host {
  readonly name: string;
  readonly parsesBodies: boolean;
  start(coloring: Coloring, app: App, options?: ServerColoringOptions<object>): Promise<Running>;
}

export interface Running {
  readonly port: number;
  readonly server: Server;
}

const running: (() => Promise<void>)[] = [];

/** Call it in `afterEach`. */
export async function stopHosts(): Promise<void> {
  await Promise.all(running.splice(0).map((stop) => stop()));
}

function listen(server: Server): Promise<Running> {
  running.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(() => resolve()));
  });
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ port: (server.address() as AddressInfo).port, server }));
  });
}

function expressHost(name: string, express: typeof express5): Host {
  return {
    name,
    parsesBodies: true,
    start(coloring, app, options) {
      const host = express();
      host.use(expressColoring(coloring, options));
      host.use(express.json());
      host.use((req, res, next) => {
        Promise.resolve()
          .then(() => app.handle({ req, res, body: req.body }))
          .then((result) => result !== undefined && res.json(result))
          .catch(next);
      });
      host.use(((error, _req, _res, next) => {
        app.onError?.(error);
        next(error);
      }) satisfies express5.ErrorRequestHandler);
      host.set('env', 'test');
      return listen(createServer(host));
    },
  };
}

const fastifyHost: Host = {
  name: 'fastify',
  parsesBodies: true,
  async start(coloring, app, options) {
    const host = fastify({ forceCloseConnections: true });
    await host.register(fastifyColoring, { ...options, coloring });
    host.addHook('onError', async (_request, _reply, error) => app.onError?.(error));
    host.all('/*', async (request, reply) => {
      const result = await app.handle({ req: request.raw, res: reply.raw, body: request.body });
      return result === undefined ? reply.hijack() : result;
    });
    running.push(() => host.close());
    await host.listen({ port: 0, host: '127.0.0.1' });
    return { port: (host.server.address() as AddressInfo).port, server: host.server };
  },
};

const koaHost: Host = {
  name: 'koa',
  parsesBodies: false,
  start(coloring, app, options) {
    const host = new Koa();
    host.silent = true;
    host.use(async (_ctx, next) => {
      try {
        await next();
      } catch (error) {
        app.onError?.(error);
        throw error;
      }
    });
    host.use(koaColoring(coloring, options));
    host.use(async (ctx) => {
      const result = await app.handle({ req: ctx.req, res: ctx.res, body: undefined });
      if (result === undefined) Object.assign(ctx, { status: 200, respond: false });
      else ctx.body = result;
    });
    return listen(createServer(host.callback()));
  },
};

const nodeHost: Host = {
  name: 'node:http',
  parsesBodies: false,
  start(coloring, app, options) {
    const listener = nodeColoring(
      coloring,
      async (req, res) => {
        try {
          const result = await app.handle({ req, res, body: undefined });
          if (result === undefined) return;
          res.setHeader('content-type', 'application/json');
          res.end(JSON.stringify(result));
        } catch (error) {
          app.onError?.(error);
          res.statusCode = 500;
          res.end();
        }
      },
      options,
    );
    return listen(createServer((req, res) => void listener(req, res)));
  },
};

export const HOSTS: readonly Host[] = [
  expressHost('express 5', express5),
  expressHost('express 4', require('express4') as typeof express5),
  fastifyHost,
  koaHost,
  nodeHost,
];
