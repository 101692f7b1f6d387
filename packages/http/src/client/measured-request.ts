import { errorMonitor } from 'node:events';
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Color, Trail } from '@colorway/core';
import type { Clock } from './balancing/clock.js';
import type { Endpoint } from './balancing/endpoint.js';
import type { EndpointSet } from './balancing/endpoint-set.js';
import { countsAsFailure, isConnectionFailure, isGatewayFailure, unreachable } from './connection-failure.js';

export interface Measured {
  readonly endpoint: Endpoint<Agent>;
  readonly set: EndpointSet<Agent>;
  readonly color: Color | undefined;
  readonly clock: Clock;
  /** Takes what the response tells of its own calls. */
  readonly trail: Trail | undefined;
}

/**
 * Learns of an endpoint from one request of node:http, without being noticed by the caller's own listeners; gives
 * a colored request that cannot reach its instance the typed error.
 */
export function measure(request: ClientRequest, { endpoint, set, color, clock, trail }: Measured): void {
  const startedAt = clock.now();
  let isJudged = false;
  endpoint.inFlight++;

  function judge(outcome: 'success' | 'failure' | 'unknown'): void {
    if (isJudged) return;
    isJudged = true;
    const now = clock.now();
    if (outcome === 'failure') set.failed(endpoint, now - startedAt, now);
    else if (outcome === 'success') endpoint.succeeded(now - startedAt, now);
    else endpoint.abandoned(now - startedAt, now);
  }

  request.prependOnceListener('response', (response: IncomingMessage) => {
    judge(isGatewayFailure(response.statusCode ?? 0) ? 'failure' : 'success');
    const told = response.headers['server-timing'];
    if (told !== undefined) trail?.addHeader(String(told));
    /* Node discards a response that nobody listens for; with this listener it no longer sees that. */
    if (request.listenerCount('response') === 0) response.resume();
  });
  request.prependOnceListener('timeout', () => judge('failure'));
  if (color !== undefined) translateErrors(request, (error) => unreachable(endpoint.instance, color, error));
  request.prependOnceListener(errorMonitor, (error: Error) => {
    judge(countsAsFailure(error) && !brokeOffHere(request, error) ? 'failure' : 'unknown');
  });
  request.once('close', () => {
    judge('unknown');
    endpoint.inFlight--;
  });
}

/** There is no other way to give a request another error than the one that its socket emits. */
function translateErrors(request: ClientRequest, translate: (error: Error) => Error): void {
  const { emit } = request;
  request.emit = function emitTranslated(
    this: ClientRequest,
    event: string | symbol,
    ...args: unknown[]
  ): boolean {
    const [error] = args;
    if (event !== 'error' || !isConnectionFailure(error) || brokeOffHere(request, error))
      return emit.call(this, event, ...args);
    return emit.call(this, event, translate(error as Error));
  };
}

/** `request.destroy()` of the caller ends in an ECONNRESET too; then the request counts as destroyed already. */
function brokeOffHere(request: ClientRequest, error: unknown): boolean {
  return request.destroyed && isConnectionFailure(error);
}
