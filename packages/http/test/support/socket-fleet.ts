import http, { type IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { activeColor, type InstanceRecord } from '@colorway/core';
import { coloredServer } from '@colorway/http/node';
import { type WebSocket, WebSocketServer } from 'ws';
import { FakeColoring } from './fake-coloring.js';
import { recordOf } from './fleet.js';

/** What an instance does with an upgrade: serves it, or, instead of that, whatever the function does. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex) => void;

/** The first message on each connection: who serves it, in which color, and what was asked. */
export interface Greeting {
  readonly id: string;
  readonly color: string | undefined;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Names of headers that came more than once. */
  readonly doubled: readonly string[];
}

export interface SocketInstance {
  readonly id: string;
  readonly port: number;
  readonly record: InstanceRecord;
  /** Upgrades that came, served or not. */
  readonly upgrades: IncomingMessage[];
  /** Open WebSockets. */
  readonly clients: ReadonlySet<WebSocket>;
  kill(): Promise<void>;
}

export interface SocketInstanceOptions {
  readonly color?: string;
  readonly handler?: UpgradeHandler;
  /** What its server is colored as, where that is not what the directory says. */
  readonly isReally?: string;
  /** Whether its `close()` has begun. */
  readonly isClosing?: boolean;
}

/** Servers of WebSockets behind `coloredServer`: they greet, and answer each message with it and their color. */
export class SocketFleet {
  readonly #running: SocketInstance[] = [];
  #count = 0;

  async start(
    coloring: FakeColoring,
    service: string,
    options: SocketInstanceOptions = {},
  ): Promise<SocketInstance> {
    const instance = await this.serve(service, options);
    coloring.put(instance.record);
    return instance;
  }

  async serve(
    service: string,
    { color, handler, isReally = service, isClosing = false }: SocketInstanceOptions = {},
  ): Promise<SocketInstance> {
    const id = `${service}-${color ?? 'base'}-${++this.#count}`;
    const upgrades: IncomingMessage[] = [];
    const connections = new Set<Socket>();
    const own = new FakeColoring({ service: isReally, ...(color === undefined ? {} : { color }) });
    own.isClosing = isClosing;
    const server = coloredServer(
      own,
      http.createServer((_, response) => response.end(id)),
    );
    server.prependListener('connection', (socket: Socket) => {
      connections.add(socket);
      socket.on('close', () => connections.delete(socket)).on('error', () => {});
    });
    const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: true });
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      upgrades.push(request);
      if (handler !== undefined) handler(request, socket);
      else sockets.handleUpgrade(request, socket, head, (made) => greet(made, request));
    });
    const greet = (socket: WebSocket, request: IncomingMessage) => {
      socket
        .on('error', () => {})
        .on('message', (data) => socket.send(`${id} ${activeColor() ?? '-'} ${data}`));
      socket.send(JSON.stringify(greetingOf(id, request)));
    };
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const instance = {
      id,
      port,
      record: recordOf(id, service, port, color),
      upgrades,
      clients: sockets.clients,
      kill: () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          for (const socket of connections) socket.resetAndDestroy();
        }),
    };
    this.#running.push(instance);
    return instance;
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.splice(0).map((instance) => instance.kill()));
  }
}

function greetingOf(id: string, { url = '', headers, rawHeaders }: IncomingMessage): Greeting {
  const names = rawHeaders.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase());
  return {
    id,
    color: activeColor(),
    url,
    headers: headers as Record<string, string>,
    doubled: names.filter((name, at) => names.indexOf(name) !== at),
  };
}
