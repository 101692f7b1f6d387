import type { EventEmitter } from 'node:events';
import {
  activeContext,
  type Coloring,
  ColorwayError,
  colorOf,
  count,
  type DecisionEvent,
  type FlowType,
  flowTypeIn,
  flowTypeOfColor,
  type Incoming,
  NOTHING_INCOMING,
  quote,
  readIncoming,
  scanBaggage,
  Trail,
  warnOnce,
  withFlowType,
  withIncomingBaggage,
  withoutFlowType,
  withTrail,
} from '@colorway/core';
import { type Context, ROOT_CONTEXT } from '@opentelemetry/api';
import { enterOnMessages } from '../context/upgrade-context.js';
import { ADMITTED } from './admitted.js';
import { authenticate } from './authenticate.js';
import { countInFlight } from './count-in-flight.js';
import { emitInContext } from './emit-in-context.js';
import { headerGlance, MAY_CARRY_FLOW, MAY_CARRY_WANTED } from './header-glance.js';
import { guardRegisteredServers, misdirection, servicesOf } from './misdirected.js';
import { type AcceptPolicy, checkOptions, type ServerColoringOptions } from './options.js';
import type { RawRequest, RawResponse } from './raw.js';
import { secondSource } from './second-source.js';
import { addServerTiming } from './server-timing.js';
import { staleContext } from './stale-context.js';
import { watchUpgrades } from './unseen-upgrades.js';

/**
 * What an adapter does with a request: goes on as it is, goes on in a context, hands an error to its framework, or, where
 * the request is meant for another instance, answers by itself and tells nobody.
 */
export type Admission =
  | { readonly kind: 'pass' }
  | { readonly kind: 'enter'; readonly context: Context }
  | { readonly kind: 'refuse'; readonly error: ColorwayError }
  | { readonly kind: 'misdirected'; readonly error: ColorwayError };

const PASS: Admission = Object.freeze({ kind: 'pass' });

/**
 * Where requests enter a service: reads the flow type, applies the edge policy and makes the context in
 * which the request is served. An uncolored request enters none (law 10): a header scan, and a `close` listener
 * that counts it.
 */
export class Edge<Request> {
  readonly #coloring: Coloring;
  readonly #accept: AcceptPolicy<Request>;
  readonly #refusesInvalid: boolean;
  readonly #authenticate: ((request: RawRequest) => ColorwayError | undefined) | undefined;
  readonly #onStale: ((event: DecisionEvent) => void) | undefined;
  readonly #explain: 'colored' | 'always' | 'never';
  readonly #secondSource: ((request: RawRequest) => Incoming) | undefined;
  readonly #glance: (request: RawRequest) => number;
  readonly #misdirected: (request: RawRequest) => ColorwayError | undefined;
  readonly #countInFlight: (response: RawResponse, colored: boolean) => void;
  /** The instance's color, for requests that bring none. */
  readonly #assumed: FlowType | undefined;
  /** Whether a request without a flow type goes on as it came. */
  readonly #passesUncolored: boolean;
  readonly #watchUpgrades: (server: unknown) => void;
  #server: unknown;

  /** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
  constructor(coloring: Coloring, options: ServerColoringOptions<Request>) {
    const {
      accept = 'all',
      onInvalid,
      explain = 'colored',
      sources,
      auth,
      alsoServes,
    } = checkOptions(options);
    if (!coloring) {
      throw new ColorwayError(
        'COLORWAY_INVALID_OPTION',
        'coloring: missing. Pass what createColoring() returned.',
      );
    }
    const { color, carriers, assumeInstanceColor, inFlight } = coloring;
    this.#coloring = coloring;
    this.#accept = accept;
    this.#authenticate = auth && authenticate(auth, carriers, servicesOf(coloring));
    this.#refusesInvalid = onInvalid === 'refuse';
    this.#onStale = staleContext(coloring);
    this.#explain = explain;
    this.#secondSource = sources && secondSource(sources, carriers);
    this.#countInFlight = countInFlight(inFlight);
    this.#glance = headerGlance([...carriers.headers, 'baggage'], carriers.wantedHeader);
    this.#misdirected = misdirection(coloring, alsoServes);
    guardRegisteredServers(coloring);
    this.#watchUpgrades = watchUpgrades(coloring);
    this.#assumed = color !== undefined && assumeInstanceColor ? flowTypeOfColor(color, carriers) : undefined;
    this.#passesUncolored = this.#assumed === undefined && explain !== 'always';
  }

  /**
   * Call it before anything that should run in the request's color.
   *
   * @param request what the policy is shown.
   * @param active what the request's context is made from; never the root, or an active span is lost.
   */
  admit(
    req: RawRequest & { [ADMITTED]?: true },
    res: RawResponse,
    request: Request,
    active: Context = activeContext(),
  ): Admission {
    if (req.upgrade === true) return this.admitUpgrade(req, request, active);
    this.#meet(req);
    const carries = this.#glance(req);
    const early = this.#turnAway(req, carries);
    if (early !== undefined) {
      if (!req[ADMITTED]) this.#countInFlight(res, false);
      req[ADMITTED] = true;
      return early;
    }
    if (req[ADMITTED]) return PASS;
    const extracted = active === ROOT_CONTEXT ? undefined : flowTypeIn(active, this.#coloring.carriers);
    const incoming = this.#read(req, carries);
    if (incoming.kind === 'none' && extracted === undefined && this.#passesUncolored)
      return this.#pass(active, res);
    const flow = this.#flowOf(incoming, request, extracted);
    req[ADMITTED] = true;
    if (flow instanceof ColorwayError) {
      this.#countInFlight(res, false);
      return { kind: 'refuse', error: flow };
    }

    const color = colorOf(flow);
    const colored = color !== undefined;
    if (colored) this.#coloring.noteUse(color);
    const explained = this.#explain === 'always' || (this.#explain === 'colored' && colored);
    if (flow === undefined && extracted === undefined && !explained) return this.#pass(active, res);
    this.#countInFlight(res, colored);

    let context = active;
    if (flow !== undefined) context = this.#withFlow(active, flow, req);
    else if (extracted !== undefined) context = withoutFlowType(active, this.#coloring.carriers);
    if (explained || colored) {
      const trail = new Trail(colored ? this.#onStale : undefined);
      context = withTrail(context, trail);
      if (explained) addServerTiming(res, trail);
    }
    emitInContext(context, res, req);
    emitInContext(context, res, res);
    return { kind: 'enter', context };
  }

  /**
   * The same for a request that leaves HTTP (a WebSocket). What comes over its connection runs in its color; it is not
   * counted as in flight, and has no response to tell its way in.
   */
  admitUpgrade(
    req: RawRequest & { [ADMITTED]?: true },
    request: Request,
    active: Context = activeContext(),
  ): Admission {
    const carries = this.#glance(req);
    const early = this.#turnAway(req, carries);
    const wasAdmitted = req[ADMITTED];
    req[ADMITTED] = true;
    if (early !== undefined) return early;
    if (wasAdmitted) return PASS;
    const extracted = active === ROOT_CONTEXT ? undefined : flowTypeIn(active, this.#coloring.carriers);
    const flow = this.#flowOf(this.#read(req, carries), request, extracted);
    if (flow instanceof ColorwayError) return { kind: 'refuse', error: flow };
    const color = colorOf(flow);
    if (color !== undefined) this.#coloring.noteUse(color);
    const isPassed = flow === undefined && extracted === undefined;
    const context = isPassed
      ? active
      : flow === undefined
        ? withoutFlowType(active, this.#coloring.carriers)
        : this.#withFlow(active, flow, req);
    // Also without a color: see there for how a message gets into the color of another connection.
    enterOnMessages(context, req.socket as EventEmitter);
    return isPassed ? PASS : { kind: 'enter', context };
  }

  /** Has other middlewares let a request pass that went on as it is. Those that enter a context are marked already. */
  markAdmitted(req: RawRequest & { [ADMITTED]?: true }): void {
    req[ADMITTED] = true;
  }

  /** What is decided before anything else is looked at, and for a request too that another middleware has admitted. */
  #turnAway(req: RawRequest, carries: number): Admission | undefined {
    const misdirected = (carries & MAY_CARRY_WANTED) === 0 ? undefined : this.#misdirected(req);
    if (misdirected !== undefined) return { kind: 'misdirected', error: misdirected };
    const unauthenticated = this.#authenticate?.(req);
    return unauthenticated && { kind: 'refuse', error: unauthenticated };
  }

  /** A server that upgrades may come to, which no middleware sees. HTTP/2 has none, and its sockets are dear to ask. */
  #meet(req: RawRequest & { readonly stream?: unknown }): void {
    if (req.stream !== undefined) return;
    const { server } = (req.socket ?? {}) as { server?: unknown };
    if (server === this.#server) return;
    this.#server = server;
    this.#watchUpgrades(server);
  }

  #pass(active: Context, res: RawResponse): Admission {
    this.#countInFlight(res, false);
    // A pipelined response is sent off by the end of the one before it, perhaps in that one's color.
    if (res.socket === null) emitInContext(active, res, res);
    return PASS;
  }

  /** @param extracted what an OpenTelemetry instrumentation has read already, perhaps from a carrier of its own. */
  #flowOf(
    incoming: Incoming,
    request: Request,
    extracted: FlowType | undefined,
  ): FlowType | ColorwayError | undefined {
    if (incoming.kind === 'none' && extracted === undefined) return this.#assumed;
    if (!this.#accepts(request)) {
      count('coloring.flow_type.rejected');
      return this.#assumed;
    }
    if (incoming.kind !== 'invalid') return incoming.kind === 'flow' ? incoming.flow : extracted;
    count('coloring.flow_type.invalid', { 'coloring.action': this.#refusesInvalid ? 'refuse' : 'ignore' });
    return this.#refusesInvalid ? invalidFlowType(incoming.text) : this.#assumed;
  }

  #read(req: RawRequest, carries: number): Incoming {
    const incoming = (carries & MAY_CARRY_FLOW) === 0 ? NOTHING_INCOMING : this.#readHeaders(req);
    return incoming.kind === 'none' && this.#secondSource !== undefined ? this.#secondSource(req) : incoming;
  }

  #readHeaders({ headers }: RawRequest): Incoming {
    return readIncoming((name) => headers[name], this.#coloring.carriers);
  }

  #accepts(request: Request): boolean {
    if (typeof this.#accept !== 'function') return this.#accept === 'all';
    try {
      return this.#accept(request) === true; // a promise is not a yes
    } catch (error) {
      warnOnce(
        'COLORWAY_ACCEPT_FAILED',
        `The accept option threw ${quote(error)}. The flow type was not accepted; return false instead of throwing.`,
      );
      return false;
    }
  }

  #withFlow(active: Context, flow: FlowType, req: RawRequest): Context {
    const { carriers } = this.#coloring;
    const { baggage } = req.headers;
    const others = baggage !== undefined && holdsOthers(baggage, carriers.baggageKeys[0]);
    return withFlowType(others ? withIncomingBaggage(active, baggage) : active, flow, carriers);
  }
}

/** Whether a baggage header holds more than our member, which is in the context anyway. */
function holdsOthers(header: string | readonly string[], key: string): boolean {
  return typeof header !== 'string' || header.includes(',') || scanBaggage(header, key) === undefined;
}

function invalidFlowType(text: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_INVALID_FLOW_TYPE',
    `${quote(text)} is not a flow type. Send one like "CE_feat-cart", or none.`,
  );
}
