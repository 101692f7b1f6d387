import type { EventEmitter } from 'node:events';
import type { Context } from '@opentelemetry/api';
import { enterOnEmit } from './enter-on-emit.js';

/**
 * Lets what comes over an upgraded connection be handled in the context of the request that asked for the upgrade, at
 * its server and at its client: what the connection's listeners do, and those of the WebSocket that `ws` makes on it. The
 * WebSocket is asked for itself, because a compressed message is emitted from a queue that all connections of the process
 * share.
 */
export function enterOnMessages(context: Context, connection: EventEmitter): void {
  enterOnEmit(connection, context);
  const { on } = connection;
  connection.on = function listen(this: EventEmitter, ...listener: Parameters<EventEmitter['on']>) {
    const webSocket = webSocketOf(this);
    on.apply(this, listener);
    // Node's own method, which is there from HTTP, puts the prototype's back when it is called now.
    if (webSocket === undefined) this.on = listen;
    else {
      this.on = on;
      enterOnEmit(webSocket, context);
    }
    return this as typeof connection;
  };
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
