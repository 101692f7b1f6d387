import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { InstanceRecord } from '@colorway/core';
import type { FakeColoring } from './fake-coloring.js';

export interface Running {
  readonly record: InstanceRecord;
  readonly id: string;
  readonly port: number;
  /** Requests that arrived. */
  readonly requests: http.IncomingMessage[];
  readonly sockets: Set<Socket>;
  /** Like kill -9: every connection is reset, none is taken any more. */
  kill(): Promise<void>;
}

/** What an instance answers by default. */
export interface Echo {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface InstanceOptions {
  readonly color?: string;
  readonly handler?: http.RequestListener;
  readonly startedAt?: number;
  readonly weight?: number;
}

/** Real servers on free ports; `close()` ends them all. */
export class Fleet {
  readonly #running: Running[] = [];
  #count = 0;

  /** Starts an instance and tells the directory of it. */
  async start(coloring: FakeColoring, service: string, options: InstanceOptions = {}): Promise<Running> {
    const running = await this.serve(service, options);
    coloring.put(running.record);
    return running;
  }

  /** Starts a server that the directory does not know. */
  async serve(
    service: string,
    { color, handler, startedAt = 0, weight = 1 }: InstanceOptions = {},
  ): Promise<Running> {
    const id = `${service}-${color ?? 'base'}-${++this.#count}`;
    const requests: http.IncomingMessage[] = [];
    const sockets = new Set<Socket>();
    const server = http.createServer((request, response) => {
      requests.push(request);
      (handler ?? echo(id))(request, response);
    });
    server.keepAliveTimeout = 60_000;
    server.on('connection', (socket) => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket)).on('error', () => {});
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const metadata: Record<string, string> = color === undefined ? {} : { COLORING_ENV: color };
    const running = {
      record: { id, service, host: '127.0.0.1', port, weight, metadata, startedAt },
      id,
      port,
      requests,
      sockets,
      kill: () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          for (const socket of sockets) socket.resetAndDestroy();
        }),
    };
    this.#running.push(running);
    return running;
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((running) => running.kill()));
  }
}

export function echo(id: string): http.RequestListener {
  return (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { method, url, headers } = request;
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ id, method, url, headers, body: Buffer.concat(chunks).toString() }));
    });
  };
}

/** A port on which nobody listens. */
export async function freePort(): Promise<number> {
  const server = http.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => server.close(() => resolve()));
  return port;
}

export function recordOf(id: string, service: string, port: number, color?: string): InstanceRecord {
  return {
    id,
    service,
    host: '127.0.0.1',
    port,
    metadata: color === undefined ? {} : { COLORING_ENV: color },
    startedAt: 0,
  };
}
