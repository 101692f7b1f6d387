import type { Context } from '@opentelemetry/api';

/** Where a call left for a host that is no service, and in which context. */
interface Left {
  readonly origin: string;
  readonly context: Context;
}

/**
 * Calls over their redirects, as far as they left for hosts that are no services. Whoever follows a redirect from there calls in
 * the context of a connection, and not in that of the call.
 */
export class Journeys {
  /** By what stands for the call at every hop: the handler that follows redirects. */
  readonly #left = new WeakMap<object, Left>();
  #hasAny = false;

  /** Where a call has left for, if that is another origin than this one; the same origin is a further attempt. */
  of(call: object, origin: unknown): Left | undefined {
    if (!this.#hasAny) return undefined;
    const left = this.#left.get(call);
    return left === undefined || left.origin === String(origin) ? undefined : left;
  }

  leaves(call: object, origin: unknown, context: Context): void {
    this.#hasAny = true;
    if (!this.#left.has(call)) this.#left.set(call, { origin: String(origin), context });
  }
}
