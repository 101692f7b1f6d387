import http from 'node:http';
import https from 'node:https';
import { type Coloring, count } from '@colorway/core';
import axios, {
  type AxiosAdapter,
  type AxiosError,
  type AxiosInstance,
  type InternalAxiosRequestConfig,
} from 'axios';
import type { RequestTarget } from './agent-address.js';
import { AgentCaller, type AgentLike, type AgentPoolOptions, Attempts } from './agent-caller.js';
import { failedToConnect, isConnectionFailure, isIdempotent, isReplayable } from './connection-failure.js';
import { mayGoOn } from './misdirected.js';
import { PASS } from './service-caller.js';

export type ColoredAxiosOptions = AgentPoolOptions;

/**
 * An axios instance that sends each call to the instance that the color of the work in hand asks for:
 *
 *     const client = coloredAxios(coloring, axios.create({ baseURL: 'http://stock', timeout: 2_000 }));
 *     await client.get('/items/7');
 *
 * Made of `instance` (default: axios itself) with its defaults and interceptors as they are now; `instance` itself
 * is not changed, and interceptors that are added to it later are not seen. Calls go through axios' adapter for
 * Node with agents of our own: `httpAgent` and `httpsAgent` of a configuration take the hosts that are no
 * services, and a service is never called through a proxy. A redirect is decided anew; with `auth` none from a host that
 * is no service leads to one. Needs axios 1.5 or newer.
 *
 * Idempotent requests without a stream as body are tried again, at most twice, when the connection fails before
 * the response; `timeout` counts for each attempt.
 *
 * A refused call rejects with an `AxiosError` whose `code` is the Colorway code (`COLORWAY_MEMBER_DOWN`, ...) and
 * whose `cause` is the `ColorwayError`, so that handlers written for axios go on working; so does a colored call
 * whose instance could not be reached (`COLORWAY_INSTANCE_UNREACHABLE`).
 */
export function coloredAxios(
  coloring: Coloring,
  instance: AxiosInstance = axios,
  options: ColoredAxiosOptions = {},
): AxiosInstance {
  const created = instance.create({ adapter: adapterOf(new AgentCaller(coloring, options)) });
  for (const { fulfilled, rejected, synchronous, runWhen } of instance.interceptors.request.handlers?.filter(
    isSet,
  ) ?? []) {
    created.interceptors.request.use(fulfilled, rejected, { synchronous, runWhen: runWhen ?? null } as never);
  }
  for (const { fulfilled, rejected } of instance.interceptors.response.handlers?.filter(isSet) ?? []) {
    created.interceptors.response.use(fulfilled, rejected);
  }
  return created;
}

function adapterOf(calls: AgentCaller): AxiosAdapter {
  const send = axios.getAdapter('http');
  return async (config) => {
    const attempts = new Attempts();
    const agents = agentsFor(calls, config, attempts);
    const routed = { ...config, ...agents, ...withoutTunnel(calls, config, agents, attempts) };
    for (;;) {
      attempts.hops = 0;
      attempts.staysOutside = false;
      try {
        return await send(routed);
      } catch (error) {
        if (!mayTryAgain(calls, config, attempts, error as AxiosError)) throw error;
        count('coloring.retries', { 'coloring.service': attempts.last?.set.service ?? '' });
      }
    }
  };
}

/** Agents for one call, which remember where it was sent. */
function agentsFor(
  calls: AgentCaller,
  config: InternalAxiosRequestConfig,
  attempts: Attempts,
): Pick<InternalAxiosRequestConfig, 'httpAgent' | 'httpsAgent'> {
  return {
    httpAgent: new CallAgent(
      calls,
      attempts,
      'http:',
      80,
      (config.httpAgent as http.Agent | undefined) ?? http.globalAgent,
    ),
    httpsAgent: new CallAgent(
      calls,
      attempts,
      'https:',
      443,
      (config.httpsAgent as http.Agent | undefined) ?? https.globalAgent,
    ),
  };
}

/** An agent that is no `http.Agent`: node:http asks for `addRequest` and reads three fields. */
class CallAgent implements AgentLike {
  readonly keepAlive = true;
  readonly protocol: string;
  readonly defaultPort: number;
  readonly #calls: AgentCaller;
  readonly #attempts: Attempts;
  readonly #fallback: http.Agent;

  constructor(
    calls: AgentCaller,
    attempts: Attempts,
    protocol: string,
    defaultPort: number,
    fallback: http.Agent,
  ) {
    this.protocol = protocol;
    this.defaultPort = defaultPort;
    this.#calls = calls;
    this.#attempts = attempts;
    this.#fallback = fallback;
  }

  addRequest(request: http.ClientRequest, options: RequestTarget): void {
    this.#calls.add(request, options, this.#fallback, this.protocol, this.#attempts);
  }
}

/**
 * A proxy for the outside world (HTTP_PROXY) knows no services. What axios makes out to a proxy our agents see, hop by
 * hop, and send to the service all the same; but for `https:` axios takes an agent of its own, with a tunnel.
 */
function withoutTunnel(
  { caller }: AgentCaller,
  config: InternalAxiosRequestConfig,
  { httpsAgent }: { httpsAgent?: unknown },
  attempts: Attempts,
): Pick<InternalAxiosRequestConfig, 'proxy' | 'beforeRedirect'> {
  const isService = (url: string) => {
    const target = caller.targets.ofOrigin(URL.canParse(url) ? new URL(url).origin : undefined);
    return target !== undefined && caller.way(target, caller.coloring.flowType()) !== PASS;
  };
  const { baseURL, url = '', beforeRedirect } = config;
  const first = axios.getUri({ ...(baseURL === undefined ? {} : { baseURL }), url });
  return {
    ...(first.startsWith('https:') && isService(first) ? { proxy: false } : {}),
    beforeRedirect(options, ...more) {
      const { href, agents } = options as { href?: string; agents?: { https: unknown } };
      const leads =
        agents !== undefined && !attempts.staysOutside && href?.startsWith('https:') && isService(href);
      if (leads) agents.https = httpsAgent;
      beforeRedirect?.(options, ...more);
    },
  };
}

function mayTryAgain(
  calls: AgentCaller,
  { method = 'get', data, signal }: InternalAxiosRequestConfig,
  attempts: Attempts,
  error: AxiosError,
): boolean {
  const { last } = attempts;
  const failure = rootOf(error);
  if (last === undefined || error.response !== undefined || signal?.aborted || !isReplayable(data))
    return false;
  if (mayGoOn(error.cause)) {
    /* Nothing was done, at this hop; and a chain of redirects begins anew with the first. */
    if (attempts.hops > 1 && !isIdempotent(method.toUpperCase())) return false;
    attempts.tried.add(last.standing);
    attempts.last = undefined;
    return true;
  }
  if (!isConnectionFailure(failure)) return false;
  if (!isIdempotent(method.toUpperCase()) && !failedToConnect(failure)) return false;
  if (attempts.count >= calls.retry.max || !last.set.budget.withdraw(calls.balancer.clock.now()))
    return false;
  attempts.count++;
  attempts.tried.add(last.standing);
  attempts.last = undefined;
  return true;
}

/** Below the AxiosError, and the ColorwayError of a colored call: what the socket said. */
function rootOf(error: Error): unknown {
  let root: unknown = error.cause;
  while (root instanceof Error && root.cause !== undefined) root = root.cause;
  return root;
}

function isSet<T>(handler: T | null): handler is T {
  return handler !== null;
}
