import type { Coloring, ColorwayError } from '@colorway/core';
import type { Dispatcher } from 'undici';
import { isReplayable } from './connection-failure.js';
import { understood } from './handler-forms.js';
import { mayGoOn } from './misdirected.js';
import { PooledCaller, type PoolOptions } from './pooled-caller.js';
import { ColoredDispatcher, type ColoredDispatcherOptions } from './undici.js';
import { refusalOf } from './undici-handlers.js';

export interface ColoredFetchOptions extends ColoredDispatcherOptions {
  /** The fetch to build on: undici's, say. Default: Node's own, looked up at each call. */
  readonly fetch?: typeof fetch;
}

/**
 * A `fetch` that sends each call to the instance that the color of the work in hand asks for:
 *
 *     const fetch = coloredFetch(coloring);
 *     await fetch('http://stock/items/7');       // the host is a service
 *
 * All else is as with the `fetch` that it builds on, and the rules are those of `coloredDispatcher`. A
 * `dispatcher` in the call's options takes the calls to hosts that are no services. A redirect to another host
 * is decided anew, and leaves the color behind where that host is no service; from there none leads to a service again.
 *
 * A call that Colorway refuses rejects with the `ColorwayError` itself, not with `TypeError: fetch failed`;
 * where a colored instance breaks off in the middle of the body, reading it fails with a `TypeError` whose
 * `cause` is the `ColorwayError`.
 */
export function coloredFetch(coloring: Coloring, options: ColoredFetchOptions = {}): typeof fetch {
  const pools = new PooledCaller(coloring, options satisfies PoolOptions);
  const dispatcher = new ColoredDispatcher(pools, options.fallback);
  const byFallback = new WeakMap<Dispatcher, ColoredDispatcher>();

  function dispatcherFor(fallback: Dispatcher | null | undefined): ColoredDispatcher {
    if (fallback === undefined || fallback === null) return dispatcher;
    let made = byFallback.get(fallback);
    if (made === undefined) {
      made = new ColoredDispatcher(pools, fallback);
      byFallback.set(fallback, made);
    }
    return made;
  }

  return async function fetch(input, init) {
    const wrapped = options.fetch ?? globalThis.fetch;
    const { dispatcher: fallback } = (init ?? {}) as unknown as { dispatcher?: Dispatcher | null };
    for (;;) {
      const call = new FetchCall(dispatcherFor(fallback));
      try {
        /* Node's types speak of the undici inside Node; dispatchers of both understand each other. */
        return await wrapped(input, { ...init, dispatcher: call } as unknown as RequestInit);
      } catch (error) {
        /* It makes a stream of every body, which only we, who have the body, can begin again. */
        if (!call.mayGoOn || !isKept(input, init)) throw call.refusal ?? error;
      }
    }
  };
}

/** Whether the call's body can be sent once more; that of a `Request` is a stream. */
function isKept(input: unknown, init: RequestInit | undefined): boolean {
  const body = init?.body ?? (input as { readonly body?: unknown } | null | undefined)?.body;
  return (
    isReplayable(body) || body instanceof URLSearchParams || body instanceof FormData || body instanceof Blob
  );
}

/** What `fetch` asks of a dispatcher, for one call: remembers whom to ask why it was refused. */
class FetchCall {
  readonly #dispatcher: ColoredDispatcher;
  #handler: Dispatcher.DispatchHandler | undefined;
  #hops = 0;

  constructor(dispatcher: ColoredDispatcher) {
    this.#dispatcher = dispatcher;
  }

  get refusal(): ColorwayError | undefined {
    return refusalOf(this.#handler);
  }

  /** Whether the whole call may be made once more: nothing was done, and no redirect came before. */
  get mayGoOn(): boolean {
    return this.#hops === 1 && mayGoOn(this.refusal);
  }

  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
    this.#hops++;
    this.#handler = understood(handler);
    return this.#dispatcher.dispatchHop(options, this.#handler, this);
  }
}
