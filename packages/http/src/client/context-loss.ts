import { type Coloring, count } from '@colorway/core';

const QUIET_MS = 1_000;

/**
 * Notices outgoing calls that have probably lost their color: without one, while every request that this
 * process serves has one.
 */
export class ContextLoss {
  readonly #coloring: Coloring;
  #warnedAt = Number.NEGATIVE_INFINITY;

  constructor(coloring: Coloring) {
    this.#coloring = coloring;
  }

  /** Call it for a call to a service that has no flow type, where the caller's stack is still there. */
  check(service: string): void {
    const { inFlight, contextLoss } = this.#coloring;
    if (contextLoss === 'off' || !inFlight.allColored) return;
    count('coloring.context.lost');
    if (contextLoss === 'log') this.#warn(service);
  }

  /** At most once a second: a lost context is lost on every request. */
  #warn(service: string): void {
    const now = performance.now();
    if (now - this.#warnedAt < QUIET_MS) return;
    this.#warnedAt = now;
    process.emitWarning(
      `A call to service "${service}" has no color, although every request in flight has one: the color was probably lost on the way. ` +
        'Tie what something else calls back (a queue, an emitter, a connection pool) to its request with bind() of colorway.',
      {
        type: 'ColorwayWarning',
        code: 'COLORWAY_CONTEXT_LOST',
        detail: new Error('The call was made here').stack ?? '',
      },
    );
  }
}
