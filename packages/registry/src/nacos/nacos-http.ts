import { HttpClient } from '../http-client/index.js';
import type { ResolvedNacosOptions } from './options.js';

/** A token is renewed when so much of its life is over. */
const RENEW_AT = 0.8;

/** What goes over HTTP: the log-in, where the server asks for a user, and a correction that gRPC has no call for. */
export class NacosHttp {
  readonly #credentials: ResolvedNacosOptions['credentials'];
  readonly #http: HttpClient;
  #token: Promise<string> | undefined;
  #renewAt = 0;

  constructor({ credentials, servers, tls, timeoutMs }: ResolvedNacosOptions) {
    this.#credentials = credentials;
    const endpoints = servers.map(({ url }) => url);
    this.#http = new HttpClient({ server: 'Nacos', option: 'url', endpoints, timeoutMs, tls });
  }

  /** What goes with each request. @throws ColorwayError `COLORWAY_DIRECTORY_FAILED` */
  async headers(): Promise<{ readonly accessToken?: string }> {
    if (this.#credentials === undefined) return {};
    if (performance.now() >= this.#renewAt) this.forget();
    this.#token ??= this.#logIn(this.#credentials).catch((error: unknown) => {
      this.#token = undefined;
      throw error;
    });
    return { accessToken: await this.#token };
  }

  /** The server may have restarted and know the token no longer. */
  forget(): void {
    this.#token = undefined;
    this.#renewAt = Number.POSITIVE_INFINITY;
  }

  /** Overwrites what a registered instance says of itself. @throws ColorwayError `COLORWAY_DIRECTORY_FAILED` */
  async update(fields: Readonly<Record<string, string>>): Promise<void> {
    const { accessToken } = await this.headers();
    const query = new URLSearchParams({ ...fields, ...(accessToken === undefined ? {} : { accessToken }) });
    await this.#http.call(
      { method: 'PUT', path: `/v1/ns/instance?${query}`, repeatable: true, background: true },
      () => undefined,
    );
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  #logIn(credentials: { readonly username: string; readonly password: string }): Promise<string> {
    return this.#http.call(
      {
        method: 'POST',
        path: '/v1/auth/login',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ ...credentials }).toString(),
        repeatable: true,
        background: true,
      },
      ({ text }) => {
        const { accessToken, tokenTtl } = JSON.parse(text) as { accessToken?: unknown; tokenTtl?: unknown };
        if (typeof accessToken !== 'string') throw new Error('it has no accessToken');
        const seconds = typeof tokenTtl === 'number' && tokenTtl > 0 ? tokenTtl : 600;
        this.#renewAt = performance.now() + seconds * 1_000 * RENEW_AT;
        return accessToken;
      },
    );
  }
}
