import { activeColor, type Coloring } from '@colorway/core';
import { coloredAgent } from '@colorway/http/agent';
import { coloredDispatcher } from '@colorway/http/undici';
import { WebSocket as UndiciWebSocket } from 'undici';
import { WebSocket as WsWebSocket } from 'ws';
import { openRaw } from './raw-web-socket.js';
import type { Greeting } from './socket-fleet.js';
import type { SocketLike } from './socket-like.js';

export interface SocketClientOptions {
  readonly services?: readonly string[];
  readonly propagateTo?: readonly string[];
}

type Headers = Readonly<Record<string, string>>;

/** One way of opening a WebSocket. */
export interface SocketClient {
  readonly name: string;
  /** Whether an error event carries the reason: undici's drops it. */
  readonly tellsWhy: boolean;
  make(coloring: Coloring, options?: SocketClientOptions): (url: string, headers?: Headers) => SocketLike;
}

interface WebSocketWithDispatcher {
  new (url: string, options: object): unknown;
}

function browserLike(name: string, of: () => WebSocketWithDispatcher): SocketClient {
  return {
    name,
    tellsWhy: false,
    make(coloring, options = {}) {
      const dispatcher = coloredDispatcher(coloring, options);
      const Made = of();
      return (url, headers = {}) => new Made(url, { dispatcher, headers }) as SocketLike;
    },
  };
}

/** Node has one of its own from version 22 on. */
const ofNode = (globalThis as { WebSocket?: WebSocketWithDispatcher }).WebSocket;

export const SOCKET_CLIENTS: readonly SocketClient[] = [
  {
    name: 'ws',
    tellsWhy: true,
    make(coloring, options = {}) {
      const agent = coloredAgent(coloring, options);
      return (url, headers = {}) => new WsWebSocket(url, { agent, headers }) as unknown as SocketLike;
    },
  },
  browserLike("undici's WebSocket", () => UndiciWebSocket as unknown as WebSocketWithDispatcher),
  ...(ofNode === undefined ? [] : [browserLike("Node's WebSocket", () => ofNode)]),
  {
    name: 'http.request with Upgrade',
    tellsWhy: true,
    make(coloring, options = {}) {
      const agent = coloredAgent(coloring, options);
      return (url, headers = {}) => openRaw(url.replace(/^ws/, 'http'), { agent, headers });
    },
  },
];

/** An open WebSocket whose server has greeted. */
export class Opened {
  readonly greeting: Greeting;
  /** Events in their order, with the color that they ran in. */
  readonly events: readonly string[];
  readonly #socket: SocketLike;
  readonly #answers: string[];
  readonly #waiting: (() => void)[];

  constructor(
    socket: SocketLike,
    greeting: Greeting,
    events: string[],
    answers: string[],
    waiting: (() => void)[],
  ) {
    this.#socket = socket;
    this.greeting = greeting;
    this.events = events;
    this.#answers = answers;
    this.#waiting = waiting;
  }

  async ask(text: string): Promise<string> {
    this.#socket.send(text);
    while (this.#answers.length === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    return this.#answers.shift() as string;
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.closed();
  }

  async closed(): Promise<void> {
    while (!this.events.some((event) => event.startsWith('close')))
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

/** Waits for the greeting; rejects with what the error event tells. */
export function opened(socket: SocketLike): Promise<Opened> {
  return new Promise((resolve, reject) => {
    const events: string[] = [];
    const answers: string[] = [];
    const waiting: (() => void)[] = [];
    let isGreeted = false;
    for (const type of ['open', 'message', 'error', 'close']) {
      socket.addEventListener(type, ({ data, error }) => {
        events.push(`${type} ${activeColor() ?? '-'}`);
        if (type === 'error') reject(error ?? new Error('no reason'));
        if (type === 'close') reject(new Error('closed before the greeting'));
        if (type === 'message' && isGreeted) answers.push(String(data));
        if (type === 'message' && !isGreeted) {
          isGreeted = true;
          resolve(new Opened(socket, JSON.parse(String(data)) as Greeting, events, answers, waiting));
        }
        for (const go of waiting.splice(0)) go();
      });
    }
  });
}
