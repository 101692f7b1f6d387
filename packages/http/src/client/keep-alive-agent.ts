import http, { type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';

/** How long before its server does a free connection is given up: what is sent later may meet the server's end. */
const MARGIN_MS = 1_000;

/**
 * An agent that keeps connections, and heeds the `Keep-Alive: timeout=5` of servers. Node's own does that only where it
 * was given a `timeout`, which would hold for requests in flight too; without, a POST that is sent while the server
 * closes the idle connection fails, and nobody may send it twice.
 */
export function keepAliveAgent(secure: boolean, options: https.AgentOptions): http.Agent {
  const agent = new (secure ? https.Agent : http.Agent)({ keepAlive: true, ...options });
  const { keepSocketAlive, reuseSocket } = agent;
  const idle = new WeakMap<Duplex, NodeJS.Timeout>();
  agent.keepSocketAlive = function keepUntil(socket: Answered): unknown {
    const kept: unknown = keepSocketAlive.call(this, socket);
    const limit = limitOf(socket._httpMessage?.res);
    if (kept && limit !== undefined) {
      idle.set(socket, setTimeout(() => socket.destroy(), limit - MARGIN_MS).unref());
    }
    return kept;
  };
  agent.reuseSocket = function reuse(socket, request) {
    clearTimeout(idle.get(socket));
    reuseSocket.call(this, socket, request);
  };
  return agent;
}

/** Where Node's agent looks for the response, too. */
type Answered = Duplex & { readonly _httpMessage?: { readonly res?: IncomingMessage } };

/** In milliseconds. */
function limitOf(response: IncomingMessage | undefined): number | undefined {
  const [, seconds] = /(?:^|[,\s])timeout=(\d{1,6})/i.exec(String(response?.headers['keep-alive'])) ?? [];
  return seconds === undefined ? undefined : Number(seconds) * 1_000;
}
