import { type Agent, ClientRequest } from 'node:http';
import { runInContext } from '@colorway/core';
import { type Emit, MeasuredRequest, type Sending } from './measured-request.js';
import { headerLines } from './request-head.js';

/** What a request shows of itself to its caller, and node:http writes. Its socket stays: node:http asks for it once more. */
interface Face {
  destroyed: boolean;
}

/**
 * An upgrade that its caller holds as one request, while it goes from instance to instance. A request of node:http
 * whose connection has failed cannot begin anew, so each further attempt is a request of its own, whose events the caller's emits.
 */
export class HeldUpgrade {
  readonly #held: ClientRequest;
  readonly #tell: Emit;
  readonly #timeout: number | undefined;
  #current: ClientRequest | undefined;

  constructor({ request, tell, sending }: MeasuredRequest<Agent>) {
    this.#held = request;
    this.#timeout = (request as { timeout?: number }).timeout ?? request.socket?.timeout;
    this.#tell = (event, ...args) => runInContext(sending.context, () => tell(event, ...args));
    request.destroy = (error) => {
      (request as Face).destroyed = true;
      this.#current?.destroy(error);
      return request;
    };
    request.setTimeout = (ms, listener) => {
      if (listener !== undefined) request.once('timeout', listener);
      this.#current?.setTimeout(ms);
      return request;
    };
  }

  /**
   * @param options those of the caller's request, with the address of the instance
   * @param prepare is shown the request before it is sent
   */
  send(options: object, sending: Sending<Agent>, prepare: (request: ClientRequest) => void): void {
    const held = this.#held;
    const agent = sending.attempt.standing.transport as Agent & { readonly protocol: string };
    const request = new ClientRequest({
      ...options,
      agent,
      protocol: agent.protocol,
      method: held.method,
      path: held.path,
      headers: headerLines(held).flat(),
      ...(this.#timeout ? { timeout: this.#timeout } : {}),
    });
    this.#current = request;
    (held as Face).destroyed = false;
    const { emit } = request;
    const measured = new MeasuredRequest(request, sending, (event, ...args) => {
      if (event === 'error') return this.#tell(event, ...args);
      emit.call(request, event, ...args); // node:http waits for some itself
      return this.#show(event, args);
    });
    request.emit = (event: string | symbol, ...args: unknown[]) => measured.emit(event, args);
    request.listenerCount = (event: string | symbol) => held.listenerCount(event);
    prepare(request);
    request.end();
  }

  #show(event: string | symbol, args: unknown[]): boolean {
    if (event === 'close') (this.#held as Face).destroyed = true;
    return this.#tell(event, ...args);
  }
}
