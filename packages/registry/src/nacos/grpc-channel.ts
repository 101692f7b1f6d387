import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from 'node:http2';
import { runUntraced } from '@colorway/core';
import { Deferred } from '@colorway/core/background';
import type { TlsOptions } from '../http-client/tls-options.js';
import { FrameReader, frame } from './grpc-frames.js';

export interface GrpcTarget {
  readonly host: string;
  readonly port: number;
  readonly secure: boolean;
  readonly tls: TlsOptions | undefined;
}

/**
 * What the server may send before it waits to be told that it was read, by call and in all. With HTTP/2's own
 * 64 KiB a large view would take a hundred ways to the server and back.
 */
const CALL_WINDOW_BYTES = 4_194_304;
const WINDOW_BYTES = 16_777_216;

/**
 * One HTTP/2 connection that speaks gRPC ("gRPC over HTTP2"). Nacos takes a connection for a client: the
 * stream, the calls and what was registered by them stand and fall together, so it never reconnects by itself,
 * and it does not keep the process alive.
 *
 * Calls and connections end one turn later: Node emits data while it still reads, and ending the stream there frees that
 * buffer; the process then crashes (nodejs/node#64113, not fixed in Node 20).
 */
export class GrpcChannel {
  readonly address: string;
  /** Settled when it is lost; never rejects. */
  readonly lost = new Deferred();
  readonly #session: ClientHttp2Session;
  readonly #connected = new Deferred();
  #why: Error | undefined;

  constructor({ host, port, secure, tls = {} }: GrpcTarget) {
    this.address = `${host}:${port}`;
    const { serverName, ca, ...identity } = tls;
    this.#session = runUntraced(() =>
      connect(`${secure ? 'https' : 'http'}://${this.address}`, {
        ...identity,
        settings: { initialWindowSize: CALL_WINDOW_BYTES },
        ...(ca === undefined ? {} : { ca: ca as string }),
        ...(serverName === undefined ? {} : { servername: serverName }),
      }),
    );
    this.#session
      .on('connect', () => {
        this.#session.setLocalWindowSize(WINDOW_BYTES);
        this.#connected.resolve();
      })
      .on('error', (error) => this.close(error))
      .on('goaway', () => this.close(new Error('the server takes no more calls')))
      .on('close', () => this.close(new Error('the connection was closed')));
    this.#session.unref();
  }

  /** Why it is lost; `undefined` while it stands. */
  get why(): Error | undefined {
    return this.#why;
  }

  connected(): Promise<void> {
    return this.#connected.promise;
  }

  /** One message there and one back. @throws Error with the gRPC status, or when the channel is lost. */
  unary(path: string, message: Buffer): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let answer: Buffer | undefined;
      const stream = this.#open(path, {
        message: (bytes) => {
          answer = bytes;
        },
        end: (error) => {
          if (error !== undefined) reject(error);
          else if (answer === undefined) reject(new Error('the answer is empty'));
          else resolve(answer);
        },
      });
      stream?.end(frame(message));
    });
  }

  /** Messages both ways, until one side ends it. The answer sends one. */
  stream(path: string, on: GrpcListener): (message: Buffer) => void {
    const stream = this.#open(path, on);
    return (message) => {
      if (stream !== undefined && !stream.destroyed) stream.write(frame(message));
    };
  }

  close(why: Error): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    this.#connected.reject(why);
    this.lost.resolve();
    setImmediate(() => this.#session.destroy());
  }

  #open(path: string, on: GrpcListener): ClientHttp2Stream | undefined {
    let ended = false;
    const end = (error?: Error) => {
      if (ended) return;
      ended = true;
      on.end(this.#why ?? error);
    };
    if (this.#why !== undefined || this.#session.closed) {
      end(new Error('the connection was closed'));
      return undefined;
    }
    const headers = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' };
    const stream = runUntraced(() => this.#session.request(headers));
    const reader = new FrameReader();
    stream
      .on('response', (headers) => {
        const status = headers[':status'];
        if (status !== 200) end(new Error(`the answer has HTTP status ${status}`));
        else if (headers['grpc-status'] !== undefined) end(statusOf(headers));
      })
      .on('data', (chunk: Buffer) => {
        try {
          for (const message of reader.read(chunk)) if (!ended) on.message(message);
        } catch (error) {
          end(error as Error);
          setImmediate(() => stream.close(constants.NGHTTP2_CANCEL));
        }
      })
      .on('trailers', (trailers) => end(statusOf(trailers)))
      .on('error', (error) => end(error))
      .on('close', () => end(new Error('the answer was broken off')));
    return stream;
  }
}

export interface GrpcListener {
  message(bytes: Buffer): void;
  /** Called once, with an error unless the status is OK. */
  end(error: Error | undefined): void;
}

function statusOf(headers: Readonly<Record<string, unknown>>): Error | undefined {
  const status = String(headers['grpc-status'] ?? 'missing');
  if (status === '0') return undefined;
  return new Error(`gRPC status ${status} ${String(headers['grpc-message'] ?? '')}`.trim());
}
