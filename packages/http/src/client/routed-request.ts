import { channel } from 'node:diagnostics_channel';
import {
  activeContext,
  type Color,
  colorOf,
  type FlowType,
  type Routed,
  runInContext,
  type Trail,
  trailIn,
} from '@colorway/core';
import type { Context } from '@opentelemetry/api';
import type { Dispatcher } from 'undici';
import { Attempt, outcomeOf, outcomeOfError } from './attempt.js';
import type { EndpointSet } from './balancing/endpoint-set.js';
import type { Standing } from './balancing/standing.js';
import { isConnectionFailure, isIdempotent, isReplayable, unreachable } from './connection-failure.js';
import { cannotGoOn, nobodyLeft } from './misdirected.js';
import type { PooledCaller } from './pooled-caller.js';
import { signed } from './undici-signature.js';

/** What a request is made of, whichever form its handler has. */
export interface Routing {
  /** The caller's. */
  readonly context: Context;
  readonly pools: PooledCaller;
  readonly decision: Routed;
  readonly set: EndpointSet<Dispatcher>;
  readonly flow: FlowType | undefined;
  readonly options: Dispatcher.DispatchOptions;
}

/** OpenTelemetry's instrumentation listens there, and adds what the propagators inject. */
const created = channel('undici:request:create');

/**
 * One request to a service, from its first attempt to its end: measures its endpoint and tries again where that
 * is right. Subclasses put themselves between undici and the caller's handler.
 */
export abstract class RoutedRequest {
  readonly #pools: PooledCaller;
  readonly #decision: Routed;
  readonly #set: EndpointSet<Dispatcher>;
  readonly #color: Color | undefined;
  /** Whether the headers say a flow type, and with it the baggage. */
  readonly #isMarked: boolean;
  #options: Dispatcher.DispatchOptions;
  readonly #context: Context;
  readonly #trail: Trail | undefined;
  #attempt: Attempt<Dispatcher> | undefined;
  #tried: Set<Standing<Dispatcher>> | undefined;
  #attempts = 0;
  #isWritten = false;
  #isAnswered = false;

  constructor({ context, pools, decision, set, flow, options }: Routing) {
    this.#context = context;
    this.#trail = trailIn(context);
    this.#pools = pools;
    this.#decision = decision;
    this.#set = set;
    this.#color = colorOf(flow);
    this.#isMarked = flow !== undefined;
    this.#options = options;
  }

  /** Whether the response's way may be told: its headers need not be looked through otherwise. */
  protected get hasTrail(): boolean {
    return this.#trail !== undefined;
  }

  /** Whether the request's own context is active: undici calls back in that of whoever it works for just now. */
  protected get isHere(): boolean {
    return activeContext() === this.#context;
  }

  /** Runs what belongs to the caller where the caller is. */
  protected within<T>(fn: () => T): T {
    return runInContext(this.#context, fn);
  }

  /** Whether the instance has said that it is another one: its answer is not the caller's. */
  protected isMisdirected = false;

  start(): boolean {
    const now = this.#pools.balancer.clock.now();
    this.#set.budget.deposit(now);
    return this.#send(this.#set.pick(now), now);
  }

  /** The request is about to be written: from here on its body is touched, and the server may see it. */
  protected written(): void {
    this.#isWritten = true;
  }

  protected answered(status: number, serverTiming: string | undefined, isRefusal = false): void {
    if (serverTiming !== undefined) this.#trail?.addHeader(serverTiming);
    if (this.#isAnswered) return;
    this.#isAnswered = true;
    this.#attempt?.judge(outcomeOf(status, isRefusal), this.#pools.balancer.clock.now());
  }

  /** The connection leaves HTTP: it is no request any more. */
  protected upgraded(status: number): void {
    this.answered(status, undefined);
    this.ended();
  }

  /** The instance is another one, and has done nothing. The request goes on when this answer is over. */
  protected disowned(): void {
    this.isMisdirected = true;
    this.#attempt?.judge('misdirected', this.#pools.balancer.clock.now());
  }

  /** The attempt is over: its endpoint has one request less. */
  protected ended(): void {
    this.#attempt?.end(this.#pools.balancer.clock.now());
    this.#attempt = undefined;
  }

  /** The answer of an instance that is another one is over. */
  protected goOn(): void {
    const standing = this.#attempt?.standing;
    this.ended();
    this.isMisdirected = false;
    const { wanted } = this.#set;
    if (standing !== undefined && isReplayable(this.#options.body)) this.#later(nobodyLeft(wanted), standing);
    else this.within(() => this.reject(cannotGoOn(wanted)));
  }

  /** What to tell the caller of an error; `undefined` when the request is tried again. */
  protected failed(error: Error): Error | undefined {
    const attempt = this.#attempt;
    if (attempt === undefined) return error;
    if (this.isMisdirected) {
      this.goOn();
      return undefined;
    }
    const now = this.#pools.balancer.clock.now();
    attempt.judge(outcomeOfError(error), now);
    this.ended();
    if (!isConnectionFailure(error)) return error;
    if (this.#mayTryAgain() && this.#set.budget.withdraw(now)) {
      this.#later(error, attempt.standing);
      return undefined;
    }
    return this.#final(error, attempt.standing);
  }

  /** Hands an error to the caller's handler. */
  protected abstract reject(error: Error): void;

  #send(standing: Standing<Dispatcher>, now: number): boolean {
    this.#attempt = new Attempt(this.#set, standing, now);
    this.#isWritten = false;
    this.#pools.caller.attempt(this.#decision, this.#color, standing.instance, ++this.#attempts);
    const { transport } = standing;
    const { caller } = this.#pools;
    const handler = this as Dispatcher.DispatchHandler;
    const isChanged = created.hasSubscribers && (this.#isMarked || caller.holdsUntrusted(this.#context));
    if (!isChanged) return transport.dispatch(this.#options, handler);
    const dispatch = () => transport.dispatch(this.#options, handler);
    return this.#isMarked ? caller.onTheWire(dispatch) : caller.outsideColor(dispatch);
  }

  /* Not at once: undici is in the middle of clearing up after the connection, or the answer. */
  #later(error: Error, failed: Standing<Dispatcher>): void {
    this.#tried = (this.#tried ?? new Set()).add(failed);
    queueMicrotask(() => this.within(() => this.#again(error, failed)));
  }

  #again(error: Error, failed: Standing<Dispatcher>): void {
    const now = this.#pools.balancer.clock.now();
    const standing = this.#tried === undefined ? undefined : this.#set.pickAgain(now, this.#tried);
    if (standing === undefined) {
      this.reject(this.#final(error, failed));
      return;
    }
    const { caller } = this.#pools;
    const { service } = this.#decision;
    this.#pools.countRetry(service);
    // The instance that failed may have told all others that it has seen the signature: one counts once.
    if (caller.signs) this.#options = signed(this.#options, caller, service);
    this.#send(standing, now);
  }

  #mayTryAgain(): boolean {
    if (this.#isAnswered || this.#attempts > this.#pools.maxRetries) return false;
    if (!this.#isWritten) return true;
    const { method, body, idempotent } = this.#options;
    return (idempotent ?? isIdempotent(method)) && isReplayable(body);
  }

  #final(error: Error, { instance }: Standing<Dispatcher>): Error {
    if (this.#color === undefined || !isConnectionFailure(error)) return error;
    return unreachable(instance, this.#color, error);
  }
}
