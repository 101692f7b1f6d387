import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Color, REFUSAL_HEADER, runInContext, trailIn } from '@colorway/core';
import type { Context } from '@opentelemetry/api';
import { enterOnMessages } from '../context/upgrade-context.js';
import { type Attempt, outcomeOf, outcomeOfError } from './attempt.js';
import type { Clock } from './balancing/clock.js';
import { isConnectionFailure, unreachable } from './connection-failure.js';
import { cannotGoOn, isMisdirected } from './misdirected.js';
import { inShort, isUpgrade } from './upgrade-request.js';

/** What a request of node:http is sent with. */
export interface Sending<T> {
  readonly attempt: Attempt<T>;
  readonly color: Color | undefined;
  readonly clock: Clock;
  /** The caller's. */
  readonly context: Context;
  /**
   * Sends it to another instance, if that is right after this error; gives back what to tell otherwise. From then on
   * nothing of this request is told.
   */
  goOn(failed: MeasuredRequest<T>, error: Error): Error | undefined;
}

/** How a request tells its events. */
export type Emit = (event: string | symbol, ...args: unknown[]) => boolean;

/**
 * One request of node:http at one instance: learns of its endpoint, without being noticed by the caller's own listeners;
 * gives a request that cannot reach its instance, or reaches another one, the typed error. All of it stands in `emit`:
 * there is no other way to give a request another error than the one that its socket emits, and to keep from it an
 * answer that is not its own; and listeners of ours would be seen by node:http, which looks whether the caller has one.
 */
export class MeasuredRequest<T> {
  readonly request: ClientRequest;
  readonly sending: Sending<T>;
  /** Tells the caller. */
  readonly tell: Emit;
  #isOver = false;

  constructor(request: ClientRequest, sending: Sending<T>, tell: Emit) {
    this.request = request;
    this.sending = sending;
    this.tell = tell;
  }

  emit(event: string | symbol, args: unknown[]): boolean {
    const { attempt, clock } = this.sending;
    switch (event) {
      case 'response':
        return this.#answered(args[0] as IncomingMessage);
      case 'upgrade':
        return this.#upgraded(args);
      case 'error':
        return this.#failed(args[0] as Error);
      case 'timeout':
        attempt.judge('deadline', clock.now());
        break;
      case 'close':
        attempt.end(clock.now());
        if (!this.#isOver) break;
        (this.request as { destroyed: boolean }).destroyed = false; // its caller holds it still
        return true;
    }
    return this.tell(event, ...args);
  }

  #answered(response: IncomingMessage): boolean {
    const { attempt, clock, context } = this.sending;
    const { statusCode = 0, headers } = response;
    if (isMisdirected(statusCode, headers)) {
      attempt.judge('misdirected', clock.now());
      const error = this.#goOn(cannotGoOn(attempt.set.wanted));
      if (error !== undefined) this.request.destroy(error);
      else this.request.socket?.destroy();
      return true;
    }
    attempt.judge(outcomeOf(statusCode, headers[REFUSAL_HEADER] !== undefined), clock.now());
    const told = headers['server-timing'];
    if (told !== undefined) trailIn(context)?.addHeader(String(told));
    return this.tell('response', response);
  }

  #upgraded(args: unknown[]): boolean {
    const { attempt, clock, context } = this.sending;
    attempt.judge('success', clock.now());
    enterOnMessages(context, args[1] as Duplex);
    return runInContext(context, () => this.tell('upgrade', ...args));
  }

  #failed(error: Error): boolean {
    const { attempt, color, clock } = this.sending;
    if (this.#isOver) return true;
    const isHere = brokeOffHere(this.request, error);
    attempt.judge(isHere ? 'abandoned' : outcomeOfError(error), clock.now());
    if (isHere || !isConnectionFailure(error)) return this.#fail(error);
    const told = this.#goOn(error);
    if (told === undefined) return true;
    const isTyped = color !== undefined && isConnectionFailure(told);
    return this.#fail(isTyped ? unreachable(attempt.standing.instance, color, told) : told);
  }

  #fail(error: Error): boolean {
    return this.tell('error', isUpgrade(this.request) ? inShort(error) : error);
  }

  #goOn(error: Error): Error | undefined {
    const told = this.sending.goOn(this, error);
    this.#isOver = told === undefined;
    return told;
  }
}

/** `request.destroy()` of the caller ends in an ECONNRESET too; then the request counts as destroyed already. */
function brokeOffHere(request: ClientRequest, error: unknown): boolean {
  return request.destroyed && isConnectionFailure(error);
}
