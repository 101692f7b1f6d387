import { type HttpAnswer, type HttpCall, HttpClient } from '../http-client/index.js';
import type { ConsulOptions } from './options.js';

export interface ConsulCall extends Omit<HttpCall, 'path' | 'headers' | 'body'> {
  /** Below `/v1/`, encoded. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly json?: unknown;
}

/** Consul's HTTP API, with the token, datacenter and namespace of the options in every call. */
export class ConsulClient {
  readonly #http: HttpClient;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #query: Readonly<Record<string, string | undefined>>;
  readonly #timeoutMs: number;

  constructor({ urls, timeoutMs, tls, token, datacenter, namespace }: ConsulOptions) {
    this.#http = new HttpClient({ server: 'Consul', option: 'url', endpoints: urls, timeoutMs, tls });
    this.#headers = token === undefined ? {} : { 'x-consul-token': token };
    this.#query = { dc: datacenter, ns: namespace };
    this.#timeoutMs = timeoutMs;
  }

  call<T>({ path, query, json, ...call }: ConsulCall, read: (answer: HttpAnswer) => T): Promise<T> {
    return this.#http.call(
      {
        ...call,
        path: `/v1/${path}${formatQuery({ ...this.#query, ...query })}`,
        headers: this.#headers,
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      },
      read,
    );
  }

  /** Waits for a change after `index`, at most `waitMs` and the sixteenth that Consul adds. */
  blocking<T>(
    { query, ...call }: ConsulCall,
    { index, waitMs }: { readonly index: bigint; readonly waitMs: number },
    read: (answer: HttpAnswer) => T,
  ): Promise<T> {
    return this.call(
      {
        ...call,
        query: { ...query, index: String(index), wait: `${waitMs}ms` },
        timeoutMs: waitMs + Math.ceil(waitMs / 16) + this.#timeoutMs,
      },
      read,
    );
  }

  refusal(answer: HttpAnswer, what: string): Error {
    return this.#http.refusal(answer, what);
  }

  close(): Promise<void> {
    return this.#http.close();
  }
}

function formatQuery(query: Readonly<Record<string, string | undefined>>): string {
  const given = Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== undefined);
  const parts = given.map(([name, value]) => (value === '' ? name : `${name}=${encodeURIComponent(value)}`));
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
