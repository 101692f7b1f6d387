import type { Duplex } from 'node:stream';
import { type ColorwayError, type FlowType, isColorwayError, type RouteDecision } from '@colorway/core';
import type { Dispatcher } from 'undici';
import * as undici from 'undici';
import type { PooledCaller } from './pooled-caller.js';
import { RoutedRequest } from './routed-request.js';

type Handler = Dispatcher.DispatchHandler;
type Routed = Extract<RouteDecision, { kind: 'colored' | 'baseline' }>;

const SERVER_TIMING = 'server-timing';

/** Whether a handler is of undici's newer form (`onRequestStart`, ...); Node's own fetch and undici 7 use the older. */
export function isModern(handler: Handler): boolean {
  return typeof handler.onRequestStart === 'function';
}

/** Undici 8 takes the newer form alone, and knows how to make it of the older, which Node's fetch uses. */
const { Dispatcher1Wrapper } = undici as { Dispatcher1Wrapper?: { wrapHandler(handler: Handler): Handler } };

/** The handler in a form that the installed undici understands. */
export function understood(handler: Handler): Handler {
  return Dispatcher1Wrapper === undefined || isModern(handler)
    ? handler
    : Dispatcher1Wrapper.wrapHandler(handler);
}

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

/** Between undici and a handler of the older form. */
export class LegacyRequest extends RoutedRequest implements Handler {
  readonly #handler: Handler;

  constructor(
    pools: PooledCaller,
    decision: Routed,
    flow: FlowType | undefined,
    options: Dispatcher.DispatchOptions,
    handler: Handler,
  ) {
    super(pools, decision, flow, options);
    this.#handler = handler;
  }

  onConnect(abort: (error?: Error) => void, ...context: []): void {
    this.written();
    this.#handler.onConnect?.(abort, ...context);
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, statusText: string): boolean {
    if (status >= 200) this.answered(status, this.hasTrail ? find(headers, SERVER_TIMING) : undefined);
    return this.#handler.onHeaders?.(status, headers, resume, statusText) as boolean;
  }

  onData(chunk: Buffer): boolean {
    return this.#handler.onData?.(chunk) as boolean;
  }

  onComplete(trailers: string[] | null): void {
    this.ended();
    this.#handler.onComplete?.(trailers);
  }

  onUpgrade(status: number, headers: Buffer[] | string[] | null, socket: Duplex): void {
    this.answered(status, undefined);
    this.ended();
    this.#handler.onUpgrade?.(status, headers, socket);
  }

  onBodySent(chunkSize: number, total: number): void {
    this.#handler.onBodySent?.(chunkSize, total);
  }

  onRequestSent(): void {
    (this.#handler as { onRequestSent?(): void }).onRequestSent?.();
  }

  onError(error: Error): void {
    const told = this.failed(error);
    if (told !== undefined) this.reject(told);
  }

  protected override reject(error: Error): void {
    rejectWith(this.#handler, error);
  }
}

/** Between undici and a handler of the newer form. */
export class ModernRequest extends RoutedRequest implements Handler {
  readonly #handler: Handler;
  #controller: Dispatcher.DispatchController | undefined;

  constructor(
    pools: PooledCaller,
    decision: Routed,
    flow: FlowType | undefined,
    options: Dispatcher.DispatchOptions,
    handler: Handler,
  ) {
    super(pools, decision, flow, options);
    this.#handler = handler;
  }

  onRequestStart(controller: Dispatcher.DispatchController, context: unknown): void {
    this.written();
    this.#controller = controller;
    this.#handler.onRequestStart?.(controller, context);
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onRequestUpgrade(
    ...[controller, status, headers, socket]: Parameters<NonNullable<Handler['onRequestUpgrade']>>
  ): void {
    this.answered(status, undefined);
    this.ended();
    this.#handler.onRequestUpgrade?.(controller, status, headers, socket);
  }

  onResponseStart(
    ...[controller, status, headers, message]: Parameters<NonNullable<Handler['onResponseStart']>>
  ): void {
    if (status >= 200) this.answered(status, this.hasTrail ? headers[SERVER_TIMING]?.toString() : undefined);
    this.#handler.onResponseStart?.(controller, status, headers, message);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#handler.onResponseData?.(controller, chunk);
  }

  onResponseEnd(...[controller, trailers]: Parameters<NonNullable<Handler['onResponseEnd']>>): void {
    this.ended();
    this.#handler.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller: Dispatcher.DispatchController, error: Error): void {
    this.#controller = controller;
    const told = this.failed(error);
    if (told !== undefined) this.reject(told);
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
