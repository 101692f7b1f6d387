import type { EventEmitter } from 'node:events';
import { activeContext, runInContext } from '@colorway/core';
import type { Context } from '@opentelemetry/api';
import { enteredContext, enterOnEmit } from './enter-on-emit.js';

/**
 * Lets what comes over an upgraded connection be handled in the context of the request that asked for the upgrade, at
 * its server and at its client: what the connection's listeners do, and those of the WebSocket that `ws` makes on it.
 *
 * The WebSocket is asked for itself, also where its request has no color: what `ws` compresses waits in one queue of
 * the process (`concurrencyLimit`), short messages too, and is begun by the end of whatever was before it. A zlib stream that is
 * made then calls back in the context of that other connection for as long as it lives.
 */
export function enterOnMessages(context: Context, connection: EventEmitter): void {
  const isAwaited = enteredContext(connection) !== undefined;
  enterOnEmit(connection, context);
  const made = webSocketOf(connection);
  if (made !== undefined) {
    enterOnWebSocket(context, made); // the request was shown to a middleware after its WebSocket was open
    return;
  }
  if (isAwaited) return; // by a middleware before, whose context this one takes the place of
  const { on } = connection;
  connection.on = function listen(this: EventEmitter, ...listener: Parameters<EventEmitter['on']>) {
    const webSocket = webSocketOf(this);
    on.apply(this, listener);
    // Node's own method, which is there from HTTP, puts the prototype's back when it is called now.
    if (webSocket === undefined) this.on = listen;
    else {
      this.on = on;
      enterOnWebSocket(enteredContext(this) ?? context, webSocket);
    }
    return this as typeof connection;
  };
}

type Method = (...args: unknown[]) => unknown;
type WebSocketLike = EventEmitter & Partial<Record<(typeof SENDING)[number], Method>>;

/** Their last argument may be a function that is called when the message is sent. */
const SENDING = ['send', 'ping', 'pong'] as const;

function enterOnWebSocket(context: Context, webSocket: WebSocketLike): void {
  const isEntered = enteredContext(webSocket) !== undefined;
  enterOnEmit(webSocket, context);
  if (isEntered) return;
  for (const name of SENDING) {
    const method = webSocket[name];
    if (method === undefined) continue;
    webSocket[name] = function (this: unknown, ...args: unknown[]) {
      const last = args.at(-1);
      if (typeof last === 'function') args[args.length - 1] = calledBackHere(last as Method);
      return method.apply(this, args);
    };
  }
}

/** A function that, whoever calls it, runs where it was given. */
function calledBackHere(callback: Method): Method {
  const here = activeContext();
  return (...args: unknown[]) =>
    activeContext() === here ? callback(...args) : runInContext(here, () => callback(...args));
}

/** `ws` puts it on the connection, under a symbol of its own, before it listens there. */
function webSocketOf(connection: EventEmitter): EventEmitter | undefined {
  const key = Object.getOwnPropertySymbols(connection).find(({ description }) => description === 'websocket');
  if (key === undefined) return undefined;
  const found = (connection as unknown as Record<symbol, unknown>)[key];
  return typeof (found as EventEmitter | undefined)?.emit === 'function'
    ? (found as EventEmitter)
    : undefined;
}
