import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ColorwayError, isColorwayError, runInContext } from '@colorway/core';
import type { Context } from '@opentelemetry/api';
import { enterOnMessages } from '../context/upgrade-context.js';
import { failedToConnect, isIdempotent } from './connection-failure.js';
import { mayGoOn } from './misdirected.js';
import { readHeader } from './request-head.js';

/** Whether a request asks to leave HTTP: for a WebSocket, say. */
export function isUpgrade(request: ClientRequest): boolean {
  return readHeader(request, 'upgrade') !== undefined;
}

/** Whether an upgrade that failed so may be sent to another instance: nothing was done, and all of it is in its head. */
export function isResendable(request: ClientRequest, error: Error): boolean {
  if (!request.writableEnded || !isUpgrade(request)) return false;
  if (readHeader(request, 'transfer-encoding') !== undefined) return false;
  if (Number(readHeader(request, 'content-length') ?? 0) > 0) return false;
  if (mayGoOn(error)) return true;
  const { res } = request as { res?: IncomingMessage | null };
  return !res && (failedToConnect(error) || isIdempotent(request.method));
}

/** Lets what comes over the connection of an upgrade be handled where it was asked for: connections are used again. */
export function enterOnUpgrade(request: ClientRequest, context: Context): void {
  const { emit } = request;
  request.emit = function emitUpgrade(
    this: ClientRequest,
    event: string | symbol,
    ...args: unknown[]
  ): boolean {
    if (event !== 'upgrade') return emit.call(this, event, ...args);
    enterOnMessages(context, args[1] as Duplex);
    return runInContext(context, () => emit.call(this, event, ...args));
  };
}

/** A close frame has room for so much (RFC 6455, 5.5.1): proxies send the message of an error in one, and `ws` throws then. */
const MAX_REASON_BYTES = 123;

/** An error as the caller of an upgrade is given it: short, and whole as its own `cause`. */
export function inShort(error: Error): Error {
  const { message } = error;
  if (!isColorwayError(error) || Buffer.byteLength(message) <= MAX_REASON_BYTES) return error;
  const [sentence = ''] = message.split(/(?<=\.) /, 1);
  return new ColorwayError(error.code, cut(sentence), { cause: error });
}

function cut(text: string): string {
  if (Buffer.byteLength(text) <= MAX_REASON_BYTES) return text;
  let short = text;
  while (Buffer.byteLength(`${short}…`) > MAX_REASON_BYTES) short = short.slice(0, -1);
  return `${short}…`;
}
