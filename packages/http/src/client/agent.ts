import http, { type ClientRequest } from 'node:http';
import https from 'node:https';
import type { Coloring } from '@colorway/core';
import type { RequestTarget } from './agent-address.js';
import { AgentCaller, type AgentLike, type AgentPoolOptions } from './agent-caller.js';

export interface ColoredAgentOptions extends AgentPoolOptions {
  /** The scheme of the URLs that this agent is for: node:http and node:https want an agent each. Default `http:`. */
  readonly protocol?: 'http:' | 'https:';
  /** Takes the calls to hosts that are no services. Default: the global agent of node:http or node:https. */
  readonly fallback?: http.Agent;
}

/**
 * An agent for everything built on `node:http`, that sends each request to the instance that the color of the
 * work in hand asks for:
 *
 *     http.get('http://stock/items/7', { agent: coloredAgent(coloring) }, (response) => { ... });
 *
 * Which hosts are services, what happens to others, and whom `https:` reaches, is as with `coloredDispatcher`. An agent
 * takes each hop of a redirect for a call of its own: who follows redirects over it decides where they may lead. Connections are kept alive for each instance, and
 * closed when it leaves the directory. What failed is not tried again: an agent does not know what may be sent twice. An
 * instance that answers that it is another one has done nothing: the request goes on to the next, unless its body was
 * still being written. Upgrades go on too where one cannot be reached, or breaks off before it answers.
 * Their errors have a message that fits into a close frame, with the whole one as `cause`, and what comes over an
 * upgraded connection is handled in the context of the request.
 *
 * Refusals are emitted as the request's `error`, a `ColorwayError`. A colored request whose connection fails
 * before the response emits `COLORWAY_INSTANCE_UNREACHABLE` with the socket's error as its `cause`. Headers given as
 * a list are fixed before an agent sees them: where the color would have to be set or removed, the request emits
 * `COLORWAY_HEADERS_FIXED`. `destroy()` closes the connections, and so does `coloring.close()`.
 */
export function coloredAgent(coloring: Coloring, options: ColoredAgentOptions = {}): http.Agent {
  return new ColoredAgent(new AgentCaller(coloring, options), options);
}

class ColoredAgent extends http.Agent implements AgentLike {
  /** Read by node:http, which refuses URLs of another scheme. */
  readonly protocol: string;
  readonly defaultPort: number;
  readonly #caller: AgentCaller;
  readonly #fallback: http.Agent;

  constructor(caller: AgentCaller, { protocol = 'http:', fallback }: ColoredAgentOptions) {
    super({ keepAlive: true });
    const isSecure = protocol === 'https:';
    this.protocol = protocol;
    this.defaultPort = isSecure ? 443 : 80;
    this.#caller = caller;
    this.#fallback = fallback ?? (isSecure ? https.globalAgent : http.globalAgent);
  }

  addRequest(request: ClientRequest, options: RequestTarget): void {
    this.#caller.add(request, options, this.#fallback, this.protocol);
  }

  override destroy(): void {
    this.#caller.destroy();
    super.destroy();
  }
}
