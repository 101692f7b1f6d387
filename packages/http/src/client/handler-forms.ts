import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dispatcher } from 'undici';
import * as undici from 'undici';

type Handler = Dispatcher.DispatchHandler;

/** Whether a handler is of undici's newer form (`onRequestStart`, ...). The fetch of Node up to 24, and undici 6 and 7 use the older. */
export function isModern(handler: Handler): boolean {
  return typeof handler.onRequestStart === 'function';
}

/** Undici 8 takes the newer form alone, and knows how to make it of the older. */
const { Dispatcher1Wrapper } = undici as { Dispatcher1Wrapper?: { wrapHandler(handler: Handler): Handler } };

/** Undici 6 takes the older form alone; what came with 7 tells them apart. */
const takesOlderAlone = !('cacheStores' in undici);

/** The handler in a form that the installed undici understands. */
export function understood(handler: Handler): Handler {
  if (isModern(handler)) return takesOlderAlone ? new OlderForm(handler) : handler;
  return Dispatcher1Wrapper === undefined ? handler : Dispatcher1Wrapper.wrapHandler(handler);
}

/** A handler of the newer form (that of the fetch of Node 26) for undici 6; as undici 7 does it (lib/handler/unwrap-handler.js). */
class OlderForm implements Handler {
  readonly #handler: Handler;
  #controller: Controller | undefined;

  constructor(handler: Handler) {
    this.#handler = handler;
  }

  onConnect(abort: (reason?: Error) => void, ...[context]: unknown[]): void {
    this.#controller = new Controller(abort);
    this.#handler.onRequestStart?.(this.#controller, context);
  }

  onResponseStarted(): void {
    this.#handler.onResponseStarted?.();
  }

  onUpgrade(status: number, headers: Buffer[] | string[] | null, socket: Duplex): void {
    const controller = this.#started(headers);
    this.#handler.onRequestUpgrade?.(controller, status, parsed(headers), socket);
  }

  onHeaders(status: number, headers: Buffer[], resume: () => void, message: string): boolean {
    const controller = this.#started(headers);
    controller.onResume = resume;
    this.#handler.onResponseStart?.(controller, status, parsed(headers), message);
    return !controller.paused;
  }

  onData(chunk: Buffer): boolean {
    const controller = this.#started();
    this.#handler.onResponseData?.(controller, chunk);
    return !controller.paused;
  }

  onComplete(trailers: string[] | null): void {
    this.#handler.onResponseEnd?.(this.#started(), parsed(trailers));
  }

  onError(error: Error): void {
    this.#handler.onResponseError?.(this.#controller as unknown as Dispatcher.DispatchController, error);
  }

  #started(headers?: Buffer[] | string[] | null): Controller {
    const controller = this.#controller ?? new Controller(() => {});
    this.#controller = controller;
    if (headers !== undefined) controller.rawHeaders = headers;
    return controller;
  }
}

class Controller {
  aborted = false;
  paused = false;
  reason: Error | null = null;
  rawHeaders: Buffer[] | string[] | null = null;
  rawTrailers: string[] | null = null;
  onResume: (() => void) | undefined;
  readonly #abort: (reason?: Error) => void;

  constructor(abort: (reason?: Error) => void) {
    this.#abort = abort;
  }

  abort(reason: Error): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason;
    this.#abort(reason);
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    this.onResume?.();
  }
}

function parsed(headers: readonly (Buffer | string)[] | null): IncomingHttpHeaders {
  return headers === null ? {} : (undici.util.parseHeaders(headers as string[]) as IncomingHttpHeaders);
}
