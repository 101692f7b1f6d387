import {
  activeContext,
  type Coloring,
  colorOf,
  type FlowType,
  type RouteDecision,
  runInContext,
} from '@colorway/core';
import type { Context } from '@opentelemetry/api';
import { Agent, Dispatcher, getGlobalDispatcher } from 'undici';
import { isModern, understood } from './handler-forms.js';
import { Journeys } from './journeys.js';
import { PooledCaller, type PoolOptions } from './pooled-caller.js';
import { PASS, WAIT, type Way } from './service-caller.js';
import type { Target } from './target.js';
import { LegacyRequest, ModernRequest, rejectWith, telling } from './undici-handlers.js';
import { colored, uncolored, withHeaders } from './undici-headers.js';
import { signed } from './undici-signature.js';
import { upgrading } from './undici-upgrade.js';

export interface ColoredDispatcherOptions extends PoolOptions {
  /** Takes the calls to hosts that are no services. Default: undici's global dispatcher, looked up at each call. */
  readonly fallback?: Dispatcher;
}

/**
 * A dispatcher for undici's `request`, `stream`, `pipeline`, `fetch`, and for Node's own `fetch`, that sends
 * each call to the instance that the color of the work in hand asks for:
 *
 *     await request('http://stock/items/7', { dispatcher: coloredDispatcher(coloring) });
 *
 * A host of a URL without a port of its own that the directory knows as a service (matched exactly, in lower
 * case as in every URL) is routed; one with a dot only where `services` or `hosts` lists it. All others go to
 * `fallback`, without the color: not in headers, not in baggage, even if the caller put it there. `http:` goes to an
 * instance as it serves, with TLS or without; `https:` goes to those alone that speak TLS. A redirect is
 * decided anew; with `auth` none from a host that is no service leads to one, as long as nothing stands between the handler that
 * follows it and this dispatcher.
 *
 * Idempotent requests are tried again, at most twice, when the connection fails before the response; others
 * when nothing was sent. Each instance has a keep-alive pool, closed when the instance leaves the directory.
 * `close()` and `destroy()` close the pools, and so does `coloring.close()`; the fallback stays open.
 *
 * A colored call fails with a `ColorwayError`: `COLORWAY_MEMBER_DOWN`, `COLORWAY_BASELINE_DOWN`,
 * `COLORWAY_SERVICE_UNKNOWN`, `COLORWAY_INSTANCE_NOT_SECURE`, `COLORWAY_DIRECTORY_UNANSWERED`, or `COLORWAY_INSTANCE_UNREACHABLE` with the
 * connection's error as its `cause`; undici's `WebSocket` does not tell why, so it is reported there
 * (`COLORWAY_WEBSOCKET_REFUSED`). Aborts, timeouts, and all errors of uncolored connections are undici's own.
 */
export function coloredDispatcher(coloring: Coloring, options: ColoredDispatcherOptions = {}): Dispatcher {
  return new ColoredDispatcher(new PooledCaller(coloring, options), options.fallback);
}

/** Not public: `coloredFetch` gives one set of pools several fallbacks. */
export class ColoredDispatcher extends Dispatcher {
  readonly #pools: PooledCaller;
  readonly #fallback: Dispatcher | undefined;
  readonly #journeys = new Journeys();
  /** Stands in where this dispatcher, or one like it, is the global one. */
  #agent: Agent | undefined;

  constructor(pools: PooledCaller, fallback: Dispatcher | undefined) {
    super();
    this.#pools = pools;
    this.#fallback = fallback;
  }

  override dispatch(options: Dispatcher.DispatchOptions, given: Dispatcher.DispatchHandler): boolean {
    return this.dispatchHop(options, given, given);
  }

  /** @param call what stands for the call at every hop of its redirects */
  dispatchHop(options: Dispatcher.DispatchOptions, given: Dispatcher.DispatchHandler, call: object): boolean {
    const left = this.#journeys.of(call, options.origin);
    if (left === undefined) return this.#dispatch(options, given, call, false);
    // Whoever answers outside must not choose what is called inside, signed by us.
    const { signs } = this.#pools.caller;
    return runInContext(left.context, () => this.#dispatch(options, given, call, signs));
  }

  #dispatch(
    options: Dispatcher.DispatchOptions,
    given: Dispatcher.DispatchHandler,
    call: object,
    staysOutside: boolean,
  ): boolean {
    const { caller } = this.#pools;
    const context = activeContext();
    let handler = understood(given);
    if (options.upgrade) handler = upgrading(handler, options, caller, context);
    try {
      this.#pools.mustBeOpen();
      const flow = caller.coloring.flowType();
      const target = staysOutside ? undefined : caller.targets.ofOrigin(options.origin);
      const hop = { call, context, target, flow, options, handler };
      const way = target === undefined ? PASS : caller.way(target, flow);
      if (way !== WAIT || target === undefined) return this.#go(way, hop);
      void this.#goLater(target, hop);
      return true;
    } catch (error) {
      rejectWith(handler, error as Error);
      return false;
    }
  }

  override close(callback: () => void): void;
  override close(): Promise<void>;
  override close(callback?: () => void): Promise<void> | void {
    const closed = Promise.all([this.#pools.close(), this.#agent?.close()]);
    return answer(closed, callback);
  }

  override destroy(error: Error | null, callback: () => void): void;
  override destroy(callback: () => void): void;
  override destroy(error: Error | null): Promise<void>;
  override destroy(): Promise<void>;
  override destroy(first?: Error | null | (() => void), callback?: () => void): Promise<void> | void {
    const error = typeof first === 'function' ? null : (first ?? null);
    const destroyed = Promise.all([this.#pools.destroy(error), this.#agent?.destroy(error)]);
    return answer(destroyed, typeof first === 'function' ? first : callback);
  }

  async #goLater(target: Target, hop: Hop): Promise<void> {
    try {
      const { signal } = hop.options as { signal?: unknown };
      const way = await this.#pools.caller.wayAnswered(
        target,
        hop.flow,
        signal instanceof AbortSignal ? signal : undefined,
      );
      this.#pools.mustBeOpen();
      this.#go(way, hop);
    } catch (error) {
      rejectWith(hop.handler, error as Error);
    }
  }

  #go(way: Way, hop: Hop): boolean {
    if (way !== PASS && way !== WAIT) return this.#route(way, hop);
    if (hop.flow !== undefined || this.#pools.caller.signs)
      this.#journeys.leaves(hop.call, hop.options.origin, hop.context);
    return this.#pass(hop);
  }

  #route(decision: RouteDecision, { context, flow, options, handler }: Hop): boolean {
    const { caller } = this.#pools;
    if (flow === undefined) caller.checkContext(decision.service);
    if (decision.kind === 'unavailable' || decision.kind === 'unknown')
      throw caller.refuse(decision, colorOf(flow));
    const set = this.#pools.balancer.set(decision, colorOf(flow));
    const Request = isModern(handler) ? ModernRequest : LegacyRequest;
    const withColor = this.#withHeaders(options, flow, set.wantedHeader, context);
    const request = caller.signs ? signed(withColor, caller, decision.service) : withColor;
    const pools = this.#pools;
    return new Request({ context, pools, decision, set, flow, options: request }, handler).start();
  }

  #pass({ context, target, flow, options, handler: given }: Hop): boolean {
    const { caller } = this.#pools;
    const fallback = this.#passTo();
    const handler =
      target?.isSingleLabel && !target.isLocal
        ? telling(given, (error) => caller.explainNotFound(target, error))
        : given;
    const isColored = flow !== undefined && caller.propagates(target);
    const told = isColored ? flow : undefined;
    const request = this.#withHeaders(withoutDispatcher(options), told, undefined, context);
    if (flow === undefined && !caller.holdsUntrusted(context)) return fallback.dispatch(request, handler);
    if (isColored) return caller.onTheWire(() => fallback.dispatch(request, handler));
    return caller.outsideColor(() => fallback.dispatch(request, handler));
  }

  #withHeaders(
    options: Dispatcher.DispatchOptions,
    flow: FlowType | undefined,
    wanted: string | undefined,
    context: Context,
  ): Dispatcher.DispatchOptions {
    const { carriers } = this.#pools.caller.coloring;
    const headers =
      flow === undefined
        ? uncolored(options.headers, carriers, wanted, context)
        : colored(options.headers, flow, carriers, wanted, context);
    return headers === options.headers ? options : withHeaders(options, headers);
  }

  #passTo(): Dispatcher {
    if (this.#fallback !== undefined) return this.#fallback;
    const global = getGlobalDispatcher();
    if (!(global instanceof ColoredDispatcher)) return global;
    this.#agent ??= new Agent();
    return this.#agent;
  }
}

/** One dispatch of a call, of which a redirect makes another. */
interface Hop {
  /** What stands for the call at every hop. */
  readonly call: object;
  readonly context: Context;
  readonly target: Target | undefined;
  readonly flow: FlowType | undefined;
  readonly options: Dispatcher.DispatchOptions;
  readonly handler: Dispatcher.DispatchHandler;
}

function answer(done: Promise<unknown>, callback: (() => void) | undefined): Promise<void> | void {
  if (callback === undefined) return done.then(() => {});
  void done.then(() => callback());
}

/** Undici 8 refuses what `request` of undici 7 leaves in: the dispatcher that it has asked already. */
function withoutDispatcher(options: Dispatcher.DispatchOptions): Dispatcher.DispatchOptions {
  if (!('dispatcher' in options)) return options;
  const { dispatcher: _asked, ...rest } = options;
  return rest as Dispatcher.DispatchOptions;
}
