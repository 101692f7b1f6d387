import type { ServerResponse } from 'node:http';
import type { Http2ServerResponse, Http2Session } from 'node:http2';
import type { Server } from 'node:net';
import { ColorwayError } from '@colorway/core';
import { sleep, within } from '@colorway/core/background';

/** `node:http`'s server, as far as closing needs it. */
interface KeepsConnections {
  closeIdleConnections(): void;
  closeAllConnections(): void;
}

/** A server that a service has registered: serves until its callers have left, then closes. */
export class RegisteredServer {
  readonly #server: Server;
  readonly #sessions = new Set<Http2Session>();
  #lastRequestAt = Number.NEGATIVE_INFINITY;
  readonly #onSession = (session: Http2Session): void => {
    this.#sessions.add(session);
    session.once('close', () => this.#sessions.delete(session));
  };

  constructor(server: Server) {
    this.#server = server;
    server.on('session', this.#onSession);
  }

  /** It is the application's alone again. */
  release(): void {
    this.#server.off('session', this.#onSession);
    this.#sessions.clear();
  }

  /** When the last request came that was served, by the monotonic clock, from {@link sendCallersAway} on. */
  get lastRequestAt(): number {
    return this.#lastRequestAt;
  }

  /**
   * From now on each caller learns with its next response that this connection ends: `Connection: close`, in HTTP/2
   * GOAWAY. It can then take its next request elsewhere, instead of meeting a connection that was closed meanwhile.
   */
  sendCallersAway(): void {
    this.#server.prependListener('request', (_request, response: ServerResponse | Http2ServerResponse) => {
      const at = performance.now();
      // A probe that was told 503 has noticed.
      response.once('close', () => {
        if (response.statusCode !== 503) this.#lastRequestAt = Math.max(this.#lastRequestAt, at);
      });
      if ('stream' in response) response.stream.session?.close();
      else if (!response.headersSent) response.setHeader('Connection', 'close');
    });
  }

  /**
   * Stops listening and waits until every connection has ended, at most `ms`; then cuts the rest. Idle
   * keep-alive connections are closed at once: nothing would ever end them.
   */
  async close(ms: number): Promise<void> {
    const server = this.#server;
    if (!server.listening) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    if (keepsConnections(server)) server.closeIdleConnections();
    await within(ms, closed, () => stillConnected(ms)).catch((error: unknown) => {
      for (const session of this.#sessions) session.destroy();
      if (keepsConnections(server)) server.closeAllConnections();
      throw error;
    });
  }
}

/** How many times as long as asked callers are waited for who go on calling. */
const PATIENCE = 4;

/**
 * Waits until callers have had `ms` to notice that these servers leave, and none has called for half of that: one whose
 * machine is busy notices later. At most four times `ms`: some never notice.
 */
export async function notice(ms: number, servers: readonly RegisteredServer[]): Promise<void> {
  const { signal } = new AbortController();
  const end = performance.now() + PATIENCE * ms;
  await sleep(ms, signal);
  for (;;) {
    const quietAt = Math.max(...servers.map(({ lastRequestAt }) => lastRequestAt)) + ms / 2;
    const left = Math.min(quietAt, end) - performance.now();
    if (left <= 0) return;
    await sleep(left, signal);
  }
}

function keepsConnections(server: object): server is KeepsConnections {
  return 'closeIdleConnections' in server && 'closeAllConnections' in server;
}

function stillConnected(ms: number): ColorwayError {
  return new ColorwayError('COLORWAY_CLOSED', `the server still has connections after ${ms} ms`);
}
