import type { Duplex } from 'node:stream';
import { type ColorwayError, isColorwayError, MISDIRECTED_HEADER, REFUSAL_HEADER } from '@colorway/core';
import type { Dispatcher } from 'undici';
import { isModern } from './handler-forms.js';
import { isMisdirected, maySayMisdirected } from './misdirected.js';
import { RoutedRequest, type Routing } from './routed-request.js';

type Handler = Dispatcher.DispatchHandler;

const SERVER_TIMING = 'server-timing';

const refusals = new WeakMap<Handler, ColorwayError>();

/** The typed error that a handler was given. `fetch` hides it when it comes from another realm, as in a test runner's. */
export function refusalOf(handler: Handler | undefined): ColorwayError | undefined {
  return handler && refusals.get(handler);
}

/** Tells a handler of either form that its request has failed before it began. */
export function rejectWith(
  handler: Handler,
  error: Error,
  controller: Dispatcher.DispatchController | null = null,
): void {
  if (isColorwayError(error)) refusals.set(handler, error);
  if (isModern(handler)) handler.onResponseError?.(controller as Dispatcher.DispatchController, error);
  else if (handler.onError === undefined) throw error;
  else handler.onError(error);
}

/** The handler, which hears of an error after `tell` has. */
export function telling(handler: Handler, tell: (error: unknown) => void): Handler {
  return new Proxy(handler, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (name === 'onError') tell(args[0]);
        if (name === 'onResponseError') tell(args[1]);
        return value.apply(target, args);
      };
    },
  });
}

/** Between undici and a handler of the older form. What the handler does not listen for is not worth entering its context. */
export class LegacyRequest extends RoutedRequest implements Handler {
  readonly #handler: Handler;

  constructor(routing: Routing, handler: Handler) {
    super(routing);
    this.#handler = handler;
  }

  onConnect(abort: (error?: Error) => void, ...context: []): void {
    this.written();
    if (this.isHere) this.#handler.onConnect?.(abort, ...context);
    else this.within(() => this.#handler.onConnect?.(abort, ...context));
  }

  onResponseStarted(): void {
    const handler = this.#handler;
    if (handler.onResponseStarted === undefined) return;
    if (this.isHere) handler.onResponseStarted();
    else this.within(() => handler.onResponseStarted?.());
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    if (maySayMisdirected(status) && find(headers, MISDIRECTED_HEADER) !== undefined) {
      this.disowned();
      return true;
    }
    if (status >= 200) {
      const isRefusal = status >= 500 && find(headers, REFUSAL_HEADER) !== undefined;
      this.answered(status, this.hasTrail ? find(headers, SERVER_TIMING) : undefined, isRefusal);
    }
    if (this.isHere) return this.#handler.onHeaders?.(status, headers, resume, statusText) as boolean;
    return this.within(() => this.#handler.onHeaders?.(status, headers, resume, statusText) as boolean);
  }

  onData(chunk: Buffer): boolean {
    if (this.isMisdirected) return true;
    if (this.isHere) return this.#handler.onData?.(chunk) as boolean;
    return this.within(() => this.#handler.onData?.(chunk) as boolean);
  }

  onComplete(trailers: string[] | null): void {
    if (this.isMisdirected) {
      this.goOn();
      return;
    }
    this.ended();
    if (this.isHere) this.#handler.onComplete?.(trailers);
    else this.within(() => this.#handler.onComplete?.(trailers));
  }

  onUpgrade(status: number, headers: Buffer[] | string[] | null, socket: Duplex): void {
    this.upgraded(status);
    if (this.isHere) this.#handler.onUpgrade?.(status, headers, socket);
    else this.within(() => this.#handler.onUpgrade?.(status, headers, socket));
  }

  onBodySent(chunkSize: number, total: number): void {
    const handler = this.#handler;
    if (handler.onBodySent === undefined) return;
    if (this.isHere) handler.onBodySent(chunkSize, total);
    else this.within(() => handler.onBodySent?.(chunkSize, total));
  }

  onRequestSent(): void {
    const handler = this.#handler as { onRequestSent?(): void };
    if (handler.onRequestSent === undefined) return;
    if (this.isHere) handler.onRequestSent();
    else this.within(() => handler.onRequestSent?.());
  }

  onError(error: Error): void {
    const told = this.failed(error);
    if (told !== undefined) this.within(() => this.reject(told));
  }

  protected override reject(error: Error): void {
    rejectWith(this.#handler, error);
  }
}

/** Between undici and a handler of the newer form. */
export class ModernRequest extends RoutedRequest implements Handler {
  readonly #handler: Handler;
  #controller: Dispatcher.DispatchController | undefined;

  constructor(routing: Routing, handler: Handler) {
    super(routing);
    this.#handler = handler;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.written();
    this.#controller = controller;
    if (this.isHere) this.#handler.onRequestStart?.(controller, context);
    else this.within(() => this.#handler.onRequestStart?.(controller, context));
  }

  onResponseStarted(): void {
    const handler = this.#handler;
    if (handler.onResponseStarted === undefined) return;
    if (this.isHere) handler.onResponseStarted();
    else this.within(() => handler.onResponseStarted?.());
  }

  onRequestUpgrade(
    ...[controller, status, headers, socket]: Parameters<NonNullable<Handler['onRequestUpgrade']>>
  ): void {
    this.upgraded(status);
    this.within(() => this.#handler.onRequestUpgrade?.(controller, status, headers, socket));
  }

  onResponseStart(
    ...[controller, status, headers, message]: Parameters<NonNullable<Handler['onResponseStart']>>
  ): void {
    if (isMisdirected(status, headers)) {
      this.disowned();
      return;
    }
    if (status >= 200) {
      const isRefusal = headers[REFUSAL_HEADER] !== undefined;
      this.answered(status, this.hasTrail ? headers[SERVER_TIMING]?.toString() : undefined, isRefusal);
    }
    if (this.isHere) this.#handler.onResponseStart?.(controller, status, headers, message);
    else this.within(() => this.#handler.onResponseStart?.(controller, status, headers, message));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.isMisdirected) return;
    if (this.isHere) this.#handler.onResponseData?.(controller, chunk);
    else this.within(() => this.#handler.onResponseData?.(controller, chunk));
  }

  onResponseEnd(...[controller, trailers]: Parameters<NonNullable<Handler['onResponseEnd']>>): void {
    if (this.isMisdirected) {
      this.goOn();
      return;
    }
    this.ended();
    if (this.isHere) this.#handler.onResponseEnd?.(controller, trailers);
    else this.within(() => this.#handler.onResponseEnd?.(controller, trailers));
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#controller = controller;
    const told = this.failed(error);
    if (told !== undefined) this.within(() => this.reject(told));
  }

  protected override reject(error: Error): void {
    rejectWith(this.#handler, error, this.#controller);
  }
}

/** A header of a raw list; several lines are joined. */
function find(headers: readonly (Buffer | string | readonly Buffer[])[], name: string): string | undefined {
  let found: string | undefined;
  for (let at = 0; at + 1 < headers.length; at += 2) {
    const key = headers[at];
    if (key === undefined || key.length !== name.length || key.toString().toLowerCase() !== name) continue;
    const value = String(headers[at + 1]);
    found = found === undefined ? value : `${found},${value}`;
  }
  return found;
}
