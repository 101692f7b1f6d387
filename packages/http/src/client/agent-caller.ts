import { errorMonitor } from 'node:events';
import type http from 'node:http';
import type { ClientRequest } from 'node:http';
import type https from 'node:https';
import {
  activeContext,
  type Coloring,
  ColorwayError,
  colorOf,
  type FlowType,
  type RouteDecision,
} from '@colorway/core';
import { addressOf, type RequestTarget } from './agent-address.js';
import type { Attempt } from './attempt.js';
import { Balancer } from './balancing/balancer.js';
import { type Balancing, resolveBalancing } from './balancing/balancing-options.js';
import type { Standing } from './balancing/standing.js';
import { keepAliveAgent } from './keep-alive-agent.js';
import { measure } from './measure.js';
import type { ClientOptions } from './options.js';
import { readHeader, urlForProxy, withoutProxy } from './request-head.js';
import { colorRequest, signRequest, uncolorRequest } from './request-headers.js';
import { type Calls, RoutedCall } from './routed-call.js';
import { PASS, ServiceCaller, WAIT, type Way } from './service-caller.js';
import type { Target } from './target.js';
import { enterOnUpgrade, inShort, isUpgrade } from './upgrade-request.js';

export interface AgentPoolOptions extends ClientOptions {
  /** Options of the agent of each instance; TLS options serve those that speak TLS. Default: `keepAlive: true`. */
  readonly agentOptions?: https.AgentOptions;
}

/** What node:http calls on an agent. */
export interface AgentLike {
  addRequest(request: ClientRequest, options: RequestTarget): void;
}

/** The attempts of one call that may be tried again from outside. */
export class Attempts {
  readonly tried = new Set<Standing<http.Agent>>();
  last: Attempt<http.Agent> | undefined;
  count = 0;
  /** Requests of the attempt that runs: more than one where redirects are followed. */
  hops = 0;
  /** One of them went to a host that is no service, and the client signs: no redirect from there leads to a service. */
  staysOutside = false;
}

/** What agents of one client share: the rules of calls, and an agent with connections for each instance. */
export class AgentCaller {
  readonly caller: ServiceCaller;
  readonly balancer: Balancer<http.Agent>;
  readonly retry: Balancing['retry'];
  readonly #serverName: ClientOptions['tlsServerName'];
  readonly #calls: Calls;
  readonly #release: (() => void)[];
  #isClosed = false;

  constructor(coloring: Coloring, options: AgentPoolOptions) {
    const balancing = resolveBalancing(options.balancing);
    this.retry = balancing.retry;
    this.caller = new ServiceCaller(coloring, options);
    this.#serverName = options.tlsServerName;
    this.balancer = new Balancer<http.Agent>({
      balancing,
      open: ({ secure }) => keepAliveAgent(secure, options.agentOptions ?? {}),
      close: retire,
    });
    this.#calls = {
      caller: this.caller,
      balancer: this.balancer,
      maxRetries: this.retry.max,
      address: ({ instance }, named, given) => addressOf(instance, options.tlsServerName, named, given),
    };
    this.#release = [
      coloring.onViewChange((view) => this.balancer.follow(view)),
      coloring.onClose('release', () => this.close()),
    ];
  }

  /** Sends a request of node:http on its way. Never throws: errors are emitted on the request. */
  add(
    request: ClientRequest,
    options: RequestTarget,
    fallback: http.Agent,
    protocol: string,
    attempts?: Attempts,
  ): void {
    try {
      if (this.#isClosed)
        throw new ColorwayError(
          'COLORWAY_CLOSED',
          'This client was closed, or its coloring was. Make another one.',
        );
      const flow = this.caller.coloring.flowType();
      const proxied = urlForProxy(request);
      const target =
        (proxied && this.caller.targets.ofOrigin(proxied)) ?? this.#targetOf(options, protocol === 'https:');
      const way = options.socketPath || attempts?.staysOutside ? PASS : this.caller.way(target, flow);
      if (attempts !== undefined) attempts.hops++;
      const call = { request, options, fallback, target, flow, attempts, proxied };
      if (way !== WAIT) {
        this.#go(way, call);
        return;
      }
      void this.#goLater(call);
    } catch (error) {
      fail(request, error as Error);
    }
  }

  /** Lets the requests in flight end; connections close when they are free. */
  close(): void {
    this.#isClosed = true;
    for (const release of this.#release.splice(0)) release();
    for (const agent of this.balancer.transports) retire(agent);
  }

  destroy(): void {
    this.close();
    for (const agent of this.balancer.transports) agent.destroy();
  }

  async #goLater(call: Call): Promise<void> {
    try {
      const way = await this.caller.wayAnswered(call.target, call.flow);
      if (call.request.destroyed) fail(call.request);
      else this.#go(way, call);
    } catch (error) {
      fail(call.request, error as Error);
    }
  }

  #go(way: Way, call: Call): void {
    if (way === PASS || way === WAIT) this.#pass(call);
    else this.#route(way, call);
  }

  /* In the caller's context, unlike with undici: node:http runs the response's listeners in it (law 1), and
     OpenTelemetry's instrumentation injects before the agent is asked, so that it can be undone here. */
  #pass({ request, options, fallback, target, flow, attempts }: Call): void {
    const wasOutside = attempts?.staysOutside === true;
    if (attempts !== undefined) attempts.staysOutside = this.caller.signs;
    this.#setColor(request, this.caller.propagates(target) ? flow : undefined, undefined);
    if (isUpgrade(request)) enterOnUpgrade(request, activeContext());
    else if (target.isSingleLabel && !target.isLocal && !wasOutside)
      request.prependOnceListener(errorMonitor, (error) => this.caller.explainNotFound(target, error));
    (fallback as http.Agent & AgentLike).addRequest(request, options);
  }

  #route(decision: RouteDecision, call: Call): void {
    const { request, options, flow, attempts, proxied, target } = call;
    const color = colorOf(flow);
    if (flow === undefined) this.caller.checkContext(decision.service);
    if (decision.kind === 'unavailable' || decision.kind === 'unknown')
      throw this.caller.refuse(decision, color);
    const now = this.balancer.clock.now();
    const set = this.balancer.set(decision, color);
    const standing =
      (attempts !== undefined && attempts.tried.size > 0 && set.pickAgain(now, attempts.tried)) ||
      set.pick(now);
    if (proxied !== undefined) withoutProxy(request, proxied);
    this.#setColor(request, flow, set.wantedHeader);
    if (this.caller.signs) signRequest(request, this.caller);
    if (attempts === undefined || attempts.count === 0) set.budget.deposit(now);
    this.caller.attempt(decision, color, standing.instance, (attempts?.count ?? 0) + 1);
    const routed = new RoutedCall(this.#calls, {
      decision,
      set,
      color,
      context: activeContext(),
      options,
      named: target.host,
      isTriedOutside: attempts !== undefined,
    });
    const sending = routed.sending(standing, now);
    if (attempts !== undefined) attempts.last = sending.attempt;
    measure(request, sending, attempts === undefined ? (failed) => routed.resend(failed) : undefined);
    (standing.transport as http.Agent & AgentLike).addRequest(request, {
      ...options,
      ...addressOf(standing.instance, this.#serverName, target.host, options),
    });
  }

  /** @param wanted whom the request is for; `undefined` where it leaves the directory's services */
  #setColor(request: ClientRequest, flow: FlowType | undefined, wanted: string | undefined): void {
    const { carriers } = this.caller.coloring;
    const more =
      wanted === undefined && readHeader(request, carriers.wantedHeader) === undefined
        ? []
        : ([[carriers.wantedHeader, wanted]] as const);
    if (flow === undefined) uncolorRequest(request, carriers, more);
    else colorRequest(request, flow, carriers, more);
  }

  #targetOf({ host = 'localhost', port = 0 }: RequestTarget, isSecure: boolean): Target {
    const defaultPort = isSecure ? 443 : 80;
    const number = Number(port) || defaultPort;
    return this.caller.targets.of(host, number === defaultPort ? undefined : number, isSecure);
  }
}

interface Call {
  readonly request: ClientRequest;
  readonly options: RequestTarget;
  readonly fallback: http.Agent;
  readonly target: Target;
  readonly flow: FlowType | undefined;
  readonly attempts: Attempts | undefined;
  /** What a request that is made out to a proxy is for: a service is called past it. */
  readonly proxied: URL | undefined;
}

/** As agents of Node report that they have no socket: the error, or why it was destroyed, is emitted in the next tick. */
function fail(request: ClientRequest, error?: Error): void {
  const told = error !== undefined && isUpgrade(request) ? inShort(error) : error;
  (request as unknown as { onSocket(socket: null, error?: Error): void }).onSocket(null, told);
}

/** Closes the free connections now, and the others when they become free. */
function retire(agent: http.Agent): void {
  (agent as { keepAlive?: boolean }).keepAlive = false;
  for (const sockets of Object.values(agent.freeSockets))
    for (const socket of sockets ?? []) socket.destroy();
}
