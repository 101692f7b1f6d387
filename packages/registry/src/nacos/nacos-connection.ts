import { ColorwayError } from '@colorway/core';
import { sleep, within } from '@colorway/core/background';
import type { Losable } from '../kept-connection.js';
import { reasonOf } from '../warn.js';
import { GrpcChannel } from './grpc-channel.js';
import type { NacosServer, ResolvedNacosOptions } from './options.js';
import { decodePayload, encodePayload } from './payload.js';

/** What the server sends by itself: the instances of a service that was subscribed to. */
export type PushListener = (body: Readonly<Record<string, unknown>>) => void;

/** Gives the headers of a request; a token may have to be renewed first. */
export type Headers = () => Promise<Readonly<Record<string, string>>>;

const STEP_MS = 50;
/** Nacos answers these to who is no longer, or not yet, connected, and to who may not. */
const UNREGISTERED = 301;
const FORBIDDEN = 403;

/**
 * One client of a Nacos server, as the Java client is one: a stream by which the server pushes and asks
 * whether the client lives, and calls on the same connection. When it ends, the server forgets what it
 * registered.
 */
export class NacosConnection implements Losable {
  readonly #channel: GrpcChannel;
  readonly #headers: Headers;
  readonly #timeoutMs: number;
  #requests = 0;
  #listener: PushListener = () => {};

  /** @throws ColorwayError `COLORWAY_DIRECTORY_FAILED` */
  static async open(
    server: NacosServer,
    options: ResolvedNacosOptions,
    headers: Headers,
    signal: AbortSignal,
  ): Promise<NacosConnection> {
    signal.throwIfAborted();
    const channel = new GrpcChannel({ ...server, port: server.grpcPort, tls: options.tls });
    const connection = new NacosConnection(channel, headers, options.timeoutMs);
    const abort = (): void => channel.close(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await connection.#within(channel.connected());
      await connection.#setUp(options.namespace);
      return connection;
    } catch (error) {
      channel.close(error as Error);
      throw connection.#failed(error);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  private constructor(channel: GrpcChannel, headers: Headers, timeoutMs: number) {
    this.#channel = channel;
    this.#headers = headers;
    this.#timeoutMs = timeoutMs;
  }

  get address(): string {
    return this.#channel.address;
  }

  get lost() {
    return this.#channel.lost;
  }

  get why() {
    return this.#channel.why;
  }

  /** Who hears of pushes from now on. */
  listen(listener: PushListener): void {
    this.#listener = listener;
  }

  /**
   * A call, and the body of its answer.
   * @throws ColorwayError `COLORWAY_DIRECTORY_FAILED`; unless the server has merely refused, the connection is
   *   lost then.
   */
  async request(
    type: string,
    fields: Readonly<Record<string, unknown>> = {},
  ): Promise<Readonly<Record<string, unknown>>> {
    let answer: ReturnType<typeof decodePayload>;
    try {
      const body = { headers: {}, requestId: String(++this.#requests), module: 'naming', ...fields };
      const message = encodePayload({ type, headers: await this.#headers(), body });
      answer = decodePayload(await this.#within(this.#channel.unary('/Request/request', message)));
    } catch (error) {
      this.close(error as Error);
      throw this.#failed(error);
    }
    const { resultCode, errorCode, message } = answer.body;
    if (resultCode === 200) return answer.body;
    const refused = this.#failed(new Error(`it refuses ${type}: ${String(message)} (${String(errorCode)})`));
    if (errorCode === FORBIDDEN || errorCode === UNREGISTERED) this.close(refused);
    throw refused;
  }

  close(why: Error): void {
    this.#channel.close(why);
  }

  async #setUp(namespace: string): Promise<void> {
    const send = this.#channel.stream('/BiRequestStream/requestBiStream', {
      message: (bytes) => this.#pushed(bytes, send),
      end: (error) => this.close(error ?? new Error('the server has ended the connection')),
    });
    const labels = { source: 'sdk', module: 'naming', AppName: 'colorway' };
    const body = {
      clientVersion: 'Nacos-Colorway-Client:v2.4.0',
      tenant: namespace,
      labels,
      abilityTable: {},
      headers: {},
    };
    send(encodePayload({ type: 'ConnectionSetupRequest', headers: await this.#headers(), body }));
    const end = performance.now() + this.#timeoutMs;
    // The server answers nothing to it; a while later it knows the connection.
    for (const { signal } = new AbortController(); ; await sleep(STEP_MS, signal)) {
      const message = encodePayload({ type: 'HealthCheckRequest', headers: await this.#headers(), body: {} });
      const { body } = decodePayload(await this.#within(this.#channel.unary('/Request/request', message)));
      if (body.resultCode === 200) return;
      if (body.errorCode !== UNREGISTERED || performance.now() > end) {
        throw new Error(
          `it does not take the connection: ${String(body.message)} (${String(body.errorCode)})`,
        );
      }
    }
  }

  #pushed(bytes: Buffer, send: (message: Buffer) => void): void {
    try {
      const { type, body } = decodePayload(bytes);
      if (!type.endsWith('Request')) return;
      const answer = { resultCode: 200, errorCode: 0, requestId: body.requestId };
      send(encodePayload({ type: type.replace(/Request$/, 'Response'), body: answer }));
      if (type === 'NotifySubscriberRequest') this.#listener(body);
      if (type === 'ConnectResetRequest') this.close(new Error('the server asks to connect anew'));
    } catch (error) {
      this.close(error as Error);
    }
  }

  #failed(error: unknown): ColorwayError {
    if (error instanceof ColorwayError) return error;
    return new ColorwayError(
      'COLORWAY_DIRECTORY_FAILED',
      `Nacos at ${this.address} (gRPC) fails: ${reasonOf(this.why ?? error)}. Check that it runs, that this port can be reached, and its user.`,
      { cause: error },
    );
  }

  #within<T>(answer: Promise<T>): Promise<T> {
    return within(
      this.#timeoutMs,
      answer,
      () =>
        new ColorwayError(
          'COLORWAY_DIRECTORY_FAILED',
          `Nacos at ${this.address} (gRPC) has not answered within ${this.#timeoutMs} ms. Check that it can be reached, or raise timeoutMs.`,
        ),
    );
  }
}
