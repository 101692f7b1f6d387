import { dateOf, type HttpAnswer, HttpClient, type HttpStream } from '../http-client/index.js';
import type { EtcdOptions } from './options.js';

export interface EtcdCall {
  /** Below `/v3/`. */
  readonly path: string;
  readonly body: object;
  /** Whether it does no harm when it is carried out twice. */
  readonly repeatable?: boolean;
  readonly background?: boolean;
  readonly signal?: AbortSignal;
}

/** gRPC's status NOT_FOUND, as the gateway translates it. */
const NOT_FOUND = 404;
const BAD_REQUEST = 400;
const UNAUTHENTICATED = 401;

/** What etcd says of a token that it does not know any more, or that is older than its users and roles. */
const TOKEN_IS_OLD = /invalid auth token|revision of auth store is old|user name is empty/;

/** etcd 3.4 and newer through its JSON gateway. Logs in when there are credentials, and anew when a token is old. */
export class EtcdClient {
  readonly #http: HttpClient;
  readonly #credentials: EtcdOptions['credentials'];
  #token: Promise<string> | undefined;

  constructor({ urls, timeoutMs, tls, credentials }: EtcdOptions) {
    this.#http = new HttpClient({ server: 'etcd', option: 'url', endpoints: urls, timeoutMs, tls });
    this.#credentials = credentials;
  }

  /** What `read` makes of the answer's JSON; `undefined` where etcd knows no such thing (404). */
  async call<T>(call: EtcdCall, read: (json: unknown) => T): Promise<T | undefined> {
    const once = async () =>
      this.#http.call(
        { ...(await this.#request(call)), expect: [BAD_REQUEST, UNAUTHENTICATED, NOT_FOUND] },
        (answer): { value: T | undefined } | { refused: HttpAnswer } => {
          if (answer.status < 300) return { value: read(JSON.parse(answer.text)) };
          return answer.status === NOT_FOUND ? { value: undefined } : { refused: answer };
        },
      );
    let outcome = await once();
    if ('refused' in outcome && this.#forget(outcome.refused)) outcome = await once();
    if ('value' in outcome) return outcome.value;
    throw this.#http.refusal(outcome.refused, `POST /v3/${call.path}`);
  }

  /** The time of the server that answers, in milliseconds since the epoch, whatever it says to the call. */
  async time(call: EtcdCall): Promise<number> {
    const expect = [BAD_REQUEST, UNAUTHENTICATED, NOT_FOUND];
    return this.#http.call({ ...(await this.#request(call)), expect }, dateOf);
  }

  async stream(call: EtcdCall): Promise<HttpStream> {
    return this.#http.stream(await this.#request(call));
  }

  /** The next call logs in anew. */
  forgetToken(): void {
    this.#token = undefined;
  }

  failure(endpoint: string, why: string, cause?: unknown): Error {
    return this.#http.failure(endpoint, why, cause);
  }

  distrust(endpoint: string): void {
    this.#http.distrust(endpoint);
  }

  close(): Promise<void> {
    return this.#http.close();
  }

  async #request({ path, body, ...call }: EtcdCall) {
    const token = await this.#login();
    return {
      ...call,
      method: 'POST' as const,
      path: `/v3/${path}`,
      body: JSON.stringify(body),
      ...(token === undefined ? {} : { headers: { authorization: token } }),
    };
  }

  /** Whether the refusal is one that a new token may mend. */
  #forget({ text }: HttpAnswer): boolean {
    if (this.#credentials === undefined || !TOKEN_IS_OLD.test(text)) return false;
    this.forgetToken();
    return true;
  }

  async #login(): Promise<string | undefined> {
    if (this.#credentials === undefined) return undefined;
    if (this.#token === undefined) {
      const token = this.#http.call(
        {
          method: 'POST',
          path: '/v3/auth/authenticate',
          body: JSON.stringify(this.#credentials),
          repeatable: true,
        },
        (answer) => tokenOf(answer.text),
      );
      this.#token = token;
      token.catch(() => {
        if (this.#token === token) this.forgetToken();
      });
    }
    return this.#token;
  }
}

function tokenOf(text: string): string {
  const { token } = JSON.parse(text) as { token?: unknown };
  if (typeof token !== 'string' || token === '') throw new Error('it gave no token');
  return token;
}
