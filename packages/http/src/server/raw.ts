import type { EventEmitter } from 'node:events';
import type { IncomingHttpHeaders } from 'node:http';

/** What Colorway needs of a request: `http.IncomingMessage` and `http2.Http2ServerRequest` have it. */
export interface RawRequest extends EventEmitter {
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders?: readonly string[];
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  /** True where the connection is handed to whoever listens for `upgrade`. */
  readonly upgrade?: boolean;
  readonly socket?: unknown;
}

/** What Colorway needs of a response: `http.ServerResponse` and `http2.Http2ServerResponse` have it. */
export interface RawResponse extends EventEmitter {
  readonly socket: unknown;
  readonly headersSent: boolean;
  /** Whether all is sent; `http2` does not say. */
  readonly writableFinished?: boolean;
  getHeader(name: string): number | string | readonly string[] | undefined;
  setHeader(name: string, value: string): unknown;
  // biome-ignore lint/suspicious/noExplicitAny: the overloads of http and http2 have no common supertype
  writeHead(...args: any[]): unknown;
  end(text: string): unknown;
}
