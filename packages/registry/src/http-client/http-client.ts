import { ColorwayError, isColorwayError, runUntraced } from '@colorway/core';
import type { Dispatcher } from 'undici';
import { lines, wholeText } from './body.js';
import { Connections } from './connections.js';
import { type Endpoint, Endpoints } from './endpoints.js';
import { isNeverSent, problemOf } from './problem.js';
import type { TlsOptions } from './tls-options.js';

export interface HttpClientOptions {
  /** Whose API it is, for errors: `Consul`. */
  readonly server: string;
  /** The name of the option that holds the endpoints, for errors. */
  readonly option: string;
  /** Base URLs of servers that answer for the same directory; a path in them goes before that of every call. */
  readonly endpoints: readonly string[];
  /** How long one endpoint may take for a call, in milliseconds. */
  readonly timeoutMs: number;
  readonly tls?: TlsOptions | undefined;
}

export interface HttpCall {
  /** Default `GET`. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** With the query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /**
   * Whether the call may reach a second endpoint when it is not known what the first has made of it. One that
   * surely was not sent always goes to the next. Default: for `GET`.
   */
  readonly repeatable?: boolean;
  /** Statuses other than 2xx that are answers too, and not failures. */
  readonly expect?: readonly number[];
  /** How long each endpoint may take, where not as usual. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Lets the process end while it waits for the answer. Default false. */
  readonly background?: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  /** One value of a response header; its name in lower case. */
  header(name: string): string | undefined;
  readonly text: string;
  /** The URL of the endpoint that answered. */
  readonly endpoint: string;
}

export interface HttpStream {
  /** Line by line, without the line ends, until the server ends it; a broken connection throws. */
  readonly lines: AsyncIterable<string>;
  readonly endpoint: string;
}

/**
 * HTTP to a directory server, over undici. Goes to the endpoint that answered last, and on to the next when
 * that one fails: no connection, no answer in time, a status of 500 or above, or an answer that `read` cannot
 * make sense of. All failures are `COLORWAY_DIRECTORY_FAILED`, naming endpoint and cause; calls after `close`,
 * and those that it breaks off, fail with `COLORWAY_CLOSED`.
 */
export class HttpClient {
  readonly #options: HttpClientOptions;
  readonly #endpoints: Endpoints;
  readonly #connections: Connections;
  #closed = false;

  /** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#endpoints = new Endpoints(options.option, options.endpoints);
    this.#connections = new Connections(options.timeoutMs, options.tls);
  }

  /** What `read` makes of the answer. It is called for 2xx and the expected statuses, and may throw for garbage. */
  call<T>(call: HttpCall, read: (answer: HttpAnswer) => T): Promise<T> {
    return this.#try(call, async (endpoint, signal) => {
      const { statusCode, headers, body } = await this.#send(endpoint, call, signal);
      const answer: HttpAnswer = {
        status: statusCode,
        header: (name) => oneOf(headers[name]),
        text: await wholeText(body),
        endpoint: endpoint.url,
      };
      if (!isExpected(call, statusCode)) throw new UnexpectedStatus(statusCode, answer.text);
      return read(answer);
    });
  }

  /** An answer that goes on and on. `timeoutMs` holds until it begins; `signal` ends it at any time. */
  stream(call: HttpCall): Promise<HttpStream> {
    return this.#try(call, async (endpoint, signal) => {
      const { statusCode, body } = await this.#send(endpoint, call, signal);
      if (!isExpected(call, statusCode)) throw new UnexpectedStatus(statusCode, await wholeText(body));
      return { lines: this.#named(endpoint, lines(body)), endpoint: endpoint.url };
    });
  }

  /** The error for an answer that was expected and is a refusal all the same. */
  refusal(answer: HttpAnswer, what: string): ColorwayError {
    return this.failure(
      answer.endpoint,
      `${what}: ${new UnexpectedStatus(answer.status, answer.text).message}`,
    );
  }

  failure(endpoint: string, why: string, cause?: unknown): ColorwayError {
    return new ColorwayError(
      'COLORWAY_DIRECTORY_FAILED',
      `${this.#options.server} at ${endpoint} failed: ${why}`,
      cause === undefined ? undefined : { cause },
    );
  }

  /** Has the next call go to another endpoint, where there is one. */
  distrust(url: string): void {
    const endpoint = this.#endpoints.all.find((one) => one.url === url);
    if (endpoint !== undefined) this.#endpoints.failed(endpoint);
  }

  /** Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#connections.destroy();
  }

  async #try<T>(call: HttpCall, once: (endpoint: Endpoint, signal: AbortSignal) => Promise<T>): Promise<T> {
    const repeatable = call.repeatable ?? (call.method ?? 'GET') === 'GET';
    let failure: ColorwayError | undefined;
    for (const endpoint of this.#endpoints.order()) {
      this.#mustBeOpen();
      try {
        const outcome = await this.#inTime(call, (signal) => once(endpoint, signal));
        this.#endpoints.answered(endpoint);
        return outcome;
      } catch (error) {
        this.#mustBeOpen();
        if (call.signal?.aborted) throw error;
        if (isColorwayError(error) && error.code !== 'COLORWAY_DIRECTORY_FAILED') throw error;
        failure = this.failure(
          endpoint.url,
          `${call.method ?? 'GET'} ${pathOnly(call.path)}: ${problemOf(error)}`,
          error,
        );
        // A refusal of this very call says nothing against the endpoint, and the next would say the same.
        if (error instanceof UnexpectedStatus && error.status < 500 && error.status !== 429) throw failure;
        this.#endpoints.failed(endpoint);
        if (!repeatable && !isNeverSent(error)) throw failure;
      }
    }
    throw failure as ColorwayError;
  }

  /** The deadline holds until `work` is done; the caller's signal holds for what comes of it, too. */
  async #inTime<T>(call: HttpCall, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const timeoutMs = call.timeoutMs ?? this.#options.timeoutMs;
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(new TimedOut(timeoutMs)), timeoutMs);
    // While a call is under way its socket keeps the process alive, or should not.
    timer.unref();
    try {
      return await work(
        call.signal === undefined ? late.signal : AbortSignal.any([late.signal, call.signal]),
      );
    } finally {
      clearTimeout(timer);
    }
  }

  #send({ url }: Endpoint, call: HttpCall, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const { pathname } = new URL(url);
    return runUntraced(() =>
      this.#connections.to({ url }, call.background ?? false).request({
        method: call.method ?? 'GET',
        path: `${pathname === '/' ? '' : pathname}${call.path}`,
        headers: {
          ...(call.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...call.headers,
        },
        ...(call.body === undefined ? {} : { body: call.body }),
        signal,
      }),
    );
  }

  async *#named(endpoint: Endpoint, source: AsyncIterable<string>): AsyncGenerator<string> {
    try {
      yield* source;
    } catch (error) {
      this.#mustBeOpen();
      throw this.failure(endpoint.url, problemOf(error), error);
    }
  }

  #mustBeOpen(): void {
    if (!this.#closed) return;
    throw new ColorwayError(
      'COLORWAY_CLOSED',
      `The ${this.#options.server} directory is closed. Make a new one.`,
    );
  }
}

class UnexpectedStatus extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`it answered ${status}${text === '' ? '' : `: ${text.trim().slice(0, 200)}`}`);
    this.status = status;
  }
}

class TimedOut extends Error {
  constructor(ms: number) {
    super(`it did not answer within ${ms} ms`);
  }
}

function isExpected({ expect = [] }: HttpCall, status: number): boolean {
  return (status >= 200 && status < 300) || expect.includes(status);
}

function oneOf(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** A query may hold a password. */
function pathOnly(path: string): string {
  return path.split('?', 1)[0] ?? path;
}
