import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type Coloring, runInContext } from '@colorway/core';
import type { SettledAdmission } from './admission.js';
import { answerError, answerUpgrade } from './answer.js';
import { Edge } from './edge.js';
import { continueByDefault } from './guard-server.js';
import type { ServerColoringOptions } from './options.js';
import type { RawRequest, RawResponse } from './raw.js';

type Emit = (this: EventEmitter, event: string | symbol, ...args: unknown[]) => boolean;

/**
 * Colors a whole server, whatever framework runs on it: requests, upgrades (WebSockets) and `Expect: 100-continue`:
 *
 *     const server = coloredServer(coloring, http.createServer(app));
 *     const sockets = new WebSocketServer({ server });   // or Socket.IO: new Server(server)
 *
 * Requests are admitted before anything else sees them; a middleware of Colorway's behind it lets them pass. Messages of
 * a connection that was upgraded with a color are handled in that color. Servers of `node:http`, `node:https` and
 * `node:http2` (its compatibility API). Returns the server. The policy is shown the `IncomingMessage`.
 */
export function coloredServer<Server extends EventEmitter>(
  coloring: Coloring,
  server: Server,
  options: ServerColoringOptions<IncomingMessage> = {},
): Server {
  const edge = new Edge(coloring, options);
  const emit = server.emit as Emit;
  server.emit = function (this: EventEmitter, event: string | symbol, ...args: unknown[]) {
    if (!ADMITTED_EVENTS.has(event)) return emit.call(this, event, ...args);
    const [request, other] = args as [RawRequest, RawResponse];
    const isUpgrade = event === 'upgrade';
    const admission = isUpgrade
      ? edge.admitUpgrade(request, request as IncomingMessage)
      : edge.admit(request, other, request as IncomingMessage);
    const act = (settled: SettledAdmission): boolean => {
      switch (settled.kind) {
        case 'pass':
          edge.markAdmitted(request);
          return emit.call(this, event, ...args);
        case 'enter':
          return runInContext(settled.context, () => emit.call(this, event, ...args));
        default:
          if (isUpgrade) answerUpgrade(other, settled.error);
          else answerError(other, settled.error);
          return true;
      }
    };
    if (admission.kind !== 'wait') return act(admission);
    void admission.settled.then(act);
    return true;
  };
  server.on('checkContinue', continueByDefault);
  return server;
}

const ADMITTED_EVENTS: ReadonlySet<string | symbol> = new Set(['request', 'checkContinue', 'upgrade']);
