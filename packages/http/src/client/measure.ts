import { AsyncResource } from 'node:async_hooks';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { type Emit, MeasuredRequest, type Sending } from './measured-request.js';
import { cannotGoOn, isMisdirected } from './misdirected.js';
import { rewind, wholeRequest } from './resend.js';
import { isUpgrade } from './upgrade-request.js';

/**
 * Measures a request that its caller holds.
 *
 * @param resend sends the request, which is as new, to another instance than the one of this attempt, which was another
 * one; throws a ColorwayError where there is none. Left out where somebody outside does it.
 */
export function measure<T>(
  request: ClientRequest,
  sending: Sending<T>,
  resend?: (failed: MeasuredRequest<T>) => Sending<T>,
): void {
  const { emit } = request;
  const tell: Emit = (event, ...args) => emit.call(request, event, ...args);
  let measured = new MeasuredRequest(request, sending, tell);
  let whole: ReturnType<typeof wholeRequest>;
  let leaving: Leaving | undefined;
  /* `request.setTimeout` holds for the first connection. */
  let limitMs: number | undefined;
  request.emit = (event: string | symbol, ...args: unknown[]): boolean => {
    if (leaving !== undefined && !leaving.isCancelled && (event === 'error' || event === 'close')) {
      if (event === 'close') leaving.left();
      return true;
    }
    if (event === 'socket' && resend !== undefined) {
      whole = wholeRequest(request);
      if (limitMs !== undefined) (args[0] as Socket).setTimeout(limitMs);
    }
    if (event !== 'response') return measured.emit(event, args);
    const { statusCode, headers } = args[0] as IncomingMessage;
    if (whole === undefined || !isMisdirected(statusCode, headers) || isUpgrade(request)) {
      whole = undefined; // It was for this instance, and is not kept as long as its answer.
      return measured.emit(event, args);
    }
    measured.sending.attempt.judge('misdirected', sending.clock.now());
    limitMs = request.socket?.timeout;
    leaving = leave(request, args[0] as IncomingMessage, again);
    return true;
  };

  function again(): void {
    leaving = undefined;
    const { attempt, clock } = measured.sending;
    attempt.end(clock.now());
    try {
      if (resend === undefined || whole === undefined || !rewind(request, whole))
        throw cannotGoOn(attempt.set.wanted);
      measured = new MeasuredRequest(request, resend(measured), tell);
    } catch (error) {
      request.destroyed = true;
      tell('error', error);
      tell('close');
    }
  }
}

interface Leaving {
  /** The caller gives up meanwhile: events are its own again. */
  readonly isCancelled: boolean;
  /** The connection is given back, or has broken off; either way this instance is done with. */
  left(): void;
}

/** Lets an answer that is nobody's end, and then calls back in the context of the caller, in which Node reads answers. */
function leave(request: ClientRequest, response: IncomingMessage, then: () => void): Leaving {
  const { destroy } = request;
  let cancelled: { readonly error: Error | undefined } | undefined;
  let hasToldOf = false;
  const next = AsyncResource.bind(() => {
    request.destroy = destroy;
    if (cancelled === undefined) then();
    else if (!hasToldOf) {
      if (cancelled.error !== undefined) request.emit('error', cancelled.error);
      request.emit('close');
    }
  });
  request.destroy = function cancel(this: ClientRequest, error?: Error): ClientRequest {
    cancelled ??= { error };
    /* Node takes a request that was answered for destroyed, and would tell nobody. */
    hasToldOf = !request.destroyed;
    return destroy.call(this, error);
  };
  response.on('error', () => {}).resume();
  return {
    get isCancelled() {
      return cancelled !== undefined;
    },
    /* Node gives the connection back after this event. */
    left: () => process.nextTick(next),
  };
}
