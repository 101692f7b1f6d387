import { connect, type Socket } from 'node:net';
import { ColorwayError, quote } from '@colorway/core';
import { Deferred } from '@colorway/core/background';
import type { BrokerPort } from '../broker/broker-port.js';
import { type Call, fromWire, isAnswer, METHOD_NAMES } from './calls.js';
import { FrameReader, frame, SECRET_BYTES } from './frames.js';

export interface RemoteBroker extends BrokerPort {
  close(): void;
}

/**
 * A broker in another process. It connects with the first call, and again after the connection broke; what was
 * under way then is rejected, and may have been done. An open connection keeps no process alive; a call does.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function connectBroker(url: string): RemoteBroker {
  const link = new Link(url);
  const methods = METHOD_NAMES.map((method) => [
    method,
    (...args: readonly unknown[]) => link.call(method, args),
  ]);
  return { ...(Object.fromEntries(methods) as BrokerPort), close: () => link.close() };
}

const URL_OF_BROKER = new RegExp(`^memory://127\\.0\\.0\\.1:(\\d{1,5})/([0-9a-f]{${2 * SECRET_BYTES}})$`);

class Link {
  /** Without the secret, for messages. */
  readonly #address: string;
  readonly #port: number;
  readonly #secret: string;
  readonly #pending = new Map<number, Deferred<unknown>>();
  #socket: Socket | undefined;
  #calls = 0;
  #closed = false;

  constructor(url: string) {
    const parsed = URL_OF_BROKER.exec(url);
    if (parsed === null) {
      throw new ColorwayError(
        'COLORWAY_INVALID_OPTION',
        `url: ${quote(url)} must be what listen() of a memory broker returned, like "memory://127.0.0.1:4711/" and a secret.`,
      );
    }
    const [, port, secret = ''] = parsed;
    this.#address = `memory://127.0.0.1:${port}`;
    this.#port = Number(port);
    this.#secret = secret;
  }

  call(method: Call['method'], args: Call['args']): Promise<unknown> {
    if (this.#closed) {
      return Promise.reject(new ColorwayError('COLORWAY_CLOSED', 'The memory broker client was closed.'));
    }
    const id = ++this.#calls;
    const call = new Deferred<unknown>();
    this.#pending.set(id, call);
    const socket = this.#connected();
    socket.ref();
    socket.write(frame({ id, method, args } satisfies Call));
    return call.promise;
  }

  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #connected(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = connect(this.#port, '127.0.0.1').setNoDelay(true);
    this.#socket = socket;
    socket.write(this.#secret);
    const reader = new FrameReader((value) => this.#answered(socket, value));
    socket.on('data', (chunk) => {
      try {
        reader.read(chunk);
      } catch {
        socket.destroy();
      }
    });
    let cause: Error | undefined;
    socket.on('error', (error) => {
      cause = error;
    });
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = undefined;
      for (const call of this.#pending.values()) call.reject(this.#broken(cause));
      this.#pending.clear();
    });
    return socket;
  }

  #answered(socket: Socket, value: unknown): void {
    if (!isAnswer(value)) throw new Error('No answer of a memory broker.');
    const call = this.#pending.get(value.id);
    this.#pending.delete(value.id);
    if (this.#pending.size === 0) socket.unref();
    if ('error' in value) call?.reject(fromWire(value.error));
    else call?.resolve(value.result);
  }

  /** Shaped as KafkaJS's, which retries. */
  #broken(cause: Error | undefined): Error {
    const error = new Error(
      `The memory broker at ${this.#address} cannot be reached. Is the process that listens alive?`,
      { cause },
    );
    return Object.assign(error, { name: 'KafkaJSConnectionError', retriable: true });
  }
}
