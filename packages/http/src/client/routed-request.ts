import {
  activeContext,
  activeTrail,
  type Color,
  colorOf,
  type FlowType,
  type RouteDecision,
  runInContext,
  type Trail,
} from '@colorway/core';
import type { Dispatcher } from 'undici';
import type { Endpoint } from './balancing/endpoint.js';
import type { EndpointSet } from './balancing/endpoint-set.js';
import {
  countsAsFailure,
  isConnectionFailure,
  isGatewayFailure,
  isIdempotent,
  isReplayable,
  unreachable,
} from './connection-failure.js';
import type { PooledCaller } from './pooled-caller.js';

type Routed = Extract<RouteDecision, { kind: 'colored' | 'baseline' }>;

/**
 * One request to a service, from its first attempt to its end: measures its endpoint and tries again where that
 * is right. Subclasses put themselves between undici and the caller's handler.
 */
export abstract class RoutedRequest {
  readonly #pools: PooledCaller;
  readonly #decision: Routed;
  readonly #set: EndpointSet<Dispatcher>;
  readonly #color: Color | undefined;
  readonly #options: Dispatcher.DispatchOptions;
  readonly #context = activeContext();
  readonly #trail: Trail | undefined = activeTrail();
  #endpoint: Endpoint<Dispatcher> | undefined;
  #tried: Set<Endpoint<Dispatcher>> | undefined;
  #attempt = 0;
  #startedAt = 0;
  #isWritten = false;
  #isAnswered = false;

  constructor(
    pools: PooledCaller,
    decision: Routed,
    flow: FlowType | undefined,
    options: Dispatcher.DispatchOptions,
  ) {
    this.#pools = pools;
    this.#decision = decision;
    this.#set = pools.balancer.set(decision);
    this.#color = colorOf(flow);
    this.#options = options;
  }

  /** Whether the response's way may be told: its headers need not be looked through otherwise. */
  protected get hasTrail(): boolean {
    return this.#trail !== undefined;
  }

  start(): boolean {
    const now = this.#pools.balancer.clock.now();
    this.#set.budget.deposit(now);
    return this.#send(this.#set.pick(now), now);
  }

  /** The request is about to be written: from here on its body is touched, and the server may see it. */
  protected written(): void {
    this.#isWritten = true;
  }

  protected answered(status: number, serverTiming: string | undefined): void {
    if (serverTiming !== undefined) this.#trail?.addHeader(serverTiming);
    const endpoint = this.#endpoint;
    if (this.#isAnswered || endpoint === undefined) return;
    this.#isAnswered = true;
    const now = this.#pools.balancer.clock.now();
    if (isGatewayFailure(status)) this.#set.failed(endpoint, now - this.#startedAt, now);
    else endpoint.succeeded(now - this.#startedAt, now);
  }

  /** The attempt is over: its endpoint has one request less. */
  protected ended(): void {
    if (this.#endpoint === undefined) return;
    this.#endpoint.inFlight--;
    this.#endpoint = undefined;
  }

  /** What to tell the caller of an error; `undefined` when the request is tried again. */
  protected failed(error: Error): Error | undefined {
    const endpoint = this.#endpoint;
    if (endpoint === undefined) return error;
    const now = this.#pools.balancer.clock.now();
    const failure = countsAsFailure(error);
    if (failure) this.#set.failed(endpoint, now - this.#startedAt, now);
    else if (!this.#isAnswered) endpoint.abandoned(now - this.#startedAt, now);
    this.ended();
    if (!isConnectionFailure(error)) return error;
    if (this.#mayTryAgain() && this.#set.budget.withdraw(now)) {
      this.#tried = (this.#tried ?? new Set()).add(endpoint);
      /* Not in here: undici is in the middle of clearing up after the failed connection. */
      queueMicrotask(() => runInContext(this.#context, () => this.#again(error, endpoint)));
      return undefined;
    }
    return this.#final(error, endpoint);
  }

  /** Hands an error to the caller's handler. */
  protected abstract reject(error: Error): void;

  #send(endpoint: Endpoint<Dispatcher>, now: number): boolean {
    this.#startedAt = now;
    this.#endpoint = endpoint;
    this.#isWritten = false;
    endpoint.inFlight++;
    this.#pools.caller.attempt(this.#decision, this.#color, endpoint.instance, ++this.#attempt);
    return endpoint.transport.dispatch(this.#options, this as Dispatcher.DispatchHandler);
  }

  #again(error: Error, failed: Endpoint<Dispatcher>): void {
    const now = this.#pools.balancer.clock.now();
    const endpoint = this.#tried === undefined ? undefined : this.#set.pickAgain(now, this.#tried);
    if (endpoint === undefined) {
      this.reject(this.#final(error, failed));
      return;
    }
    this.#pools.countRetry(this.#decision.service);
    this.#send(endpoint, now);
  }

  #mayTryAgain(): boolean {
    if (this.#isAnswered || this.#attempt > this.#pools.maxRetries) return false;
    if (!this.#isWritten) return true;
    const { method, body, idempotent, upgrade } = this.#options;
    return (idempotent ?? isIdempotent(method)) && !upgrade && isReplayable(body);
  }

  #final(error: Error, { instance }: Endpoint<Dispatcher>): Error {
    return this.#color === undefined ? error : unreachable(instance, this.#color, error);
  }
}
