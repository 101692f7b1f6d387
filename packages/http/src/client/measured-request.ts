import { errorMonitor } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { type Color, MISDIRECTED_HEADER, REFUSAL_HEADER, type Trail } from '@colorway/core';
import { type Attempt, outcomeOf, outcomeOfError } from './attempt.js';
import type { Clock } from './balancing/clock.js';
import { isConnectionFailure, unreachable } from './connection-failure.js';
import { cannotGoOn, MISDIRECTED_STATUS } from './misdirected.js';

export interface Measured<T> {
  readonly attempt: Attempt<T>;
  readonly color: Color | undefined;
  readonly clock: Clock;
  /** Takes what the response tells of its own calls. */
  readonly trail: Trail | undefined;
}

/**
 * Learns of an endpoint from one request of node:http, without being noticed by the caller's own listeners; gives
 * a request that cannot reach its instance, or reaches another one, the typed error.
 */
export function measure<T>(request: ClientRequest, measured: Measured<T>): void {
  const { attempt, clock, trail } = measured;
  translate(request, measured);
  request.prependOnceListener('response', (response: IncomingMessage) => {
    const { statusCode = 0, headers } = response;
    attempt.judge(outcomeOf(statusCode, headers[REFUSAL_HEADER] !== undefined), clock.now());
    const told = headers['server-timing'];
    if (told !== undefined) trail?.addHeader(String(told));
    /* Node discards a response that nobody listens for; with this listener it no longer sees that. */
    if (request.listenerCount('response') === 0) response.resume();
  });
  request.prependOnceListener('timeout', () => attempt.judge('deadline', clock.now()));
  request.prependOnceListener(errorMonitor, (error: Error) => {
    attempt.judge(brokeOffHere(request, error) ? 'abandoned' : outcomeOfError(error), clock.now());
  });
  request.once('close', () => attempt.end(clock.now()));
}

/**
 * There is no other way to give a request another error than the one that its socket emits, and to keep from it an
 * answer that is not its own.
 */
function translate<T>(request: ClientRequest, { attempt, color, clock }: Measured<T>): void {
  const { emit } = request;
  const { instance } = attempt.standing;
  request.emit = function emitTranslated(
    this: ClientRequest,
    event: string | symbol,
    ...args: unknown[]
  ): boolean {
    const [first] = args;
    if (
      event === 'error' &&
      color !== undefined &&
      isConnectionFailure(first) &&
      !brokeOffHere(request, first)
    )
      return emit.call(this, event, unreachable(instance, color, first));
    if (event === 'response' && isMisdirected(first as IncomingMessage)) {
      attempt.judge('misdirected', clock.now());
      request.destroy(cannotGoOn(attempt.set.wanted));
      return true;
    }
    /* No listener for this: node:http looks whether the caller has one. */
    if (event === 'upgrade') attempt.judge('success', clock.now());
    return emit.call(this, event, ...args);
  };
}

function isMisdirected({ statusCode, headers }: IncomingMessage): boolean {
  return statusCode === MISDIRECTED_STATUS && headers[MISDIRECTED_HEADER] !== undefined;
}

/** `request.destroy()` of the caller ends in an ECONNRESET too; then the request counts as destroyed already. */
function brokeOffHere(request: ClientRequest, error: unknown): boolean {
  return request.destroyed && isConnectionFailure(error);
}
