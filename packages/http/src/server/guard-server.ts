import type { EventEmitter } from 'node:events';
import type { ColorwayError } from '@colorway/core';
import { answerError, answerUpgrade } from './answer.js';
import type { RawRequest, RawResponse } from './raw.js';

type Emit = (this: EventEmitter, event: string | symbol, ...args: unknown[]) => boolean;

/**
 * Asks about what no middleware sees in time: upgrades, and requests that wait for `100 Continue`, which Node sends
 * before it tells anybody of the request. Whoever is refused is answered here.
 */
export function guardServer(
  server: EventEmitter,
  refused: (request: RawRequest) => ColorwayError | undefined,
): void {
  const emit = server.emit as Emit;
  server.emit = function (this: EventEmitter, event: string | symbol, ...args: unknown[]) {
    // Each request passes here: a call whose arguments are named costs less than one that spreads a list.
    if (event === 'request' && args.length === 2) return emit.call(this, event, args[0], args[1]);
    if (event !== 'upgrade' && event !== 'checkContinue') return emit.call(this, event, ...args);
    const [request, other] = args as [RawRequest, RawResponse];
    const error = refused(request);
    if (error === undefined) return emit.call(this, event, ...args);
    if (event === 'upgrade') answerUpgrade(other, error);
    else answerError(other, error);
    return true;
  };
  if (!server.listeners('checkContinue').includes(continueByDefault))
    server.on('checkContinue', continueByDefault);
}

/** Node does this as long as nobody listens. */
export function continueByDefault(
  this: EventEmitter,
  request: object,
  response: { writeContinue(): void },
): void {
  if (this.listenerCount('checkContinue') > 1) return; // the application's own decides
  response.writeContinue();
  this.emit('request', request, response);
}
