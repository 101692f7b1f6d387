import {
  activeContext,
  type Coloring,
  ColorwayError,
  colorOf,
  count,
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
import { authenticate } from './authenticate.js';
import { countInFlight } from './count-in-flight.js';
import { emitInContext } from './emit-in-context.js';
import { headerGlance } from './header-glance.js';
import { type AcceptPolicy, checkOptions, type ServerColoringOptions } from './options.js';
import type { RawRequest, RawResponse } from './raw.js';
import { secondSource } from './second-source.js';
import { addServerTiming } from './server-timing.js';

/** What an adapter does with a request: goes on as it is, goes on in a context, or hands an error to its framework. */
export type Admission =
  | { readonly kind: 'pass' }
  | { readonly kind: 'enter'; readonly context: Context }
  | { readonly kind: 'refuse'; readonly error: ColorwayError };

const PASS: Admission = Object.freeze({ kind: 'pass' });

/** `Symbol.for`, so that two middlewares, of two copies of this package even, serve a request once. */
const ADMITTED = Symbol.for('colorway.admitted');

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
  readonly #explain: 'colored' | 'always' | 'never';
  readonly #secondSource: ((request: RawRequest) => Incoming) | undefined;
  readonly #mayCarry: (request: RawRequest) => boolean;
  readonly #countInFlight: (response: RawResponse, colored: boolean) => void;
  /** The instance's color, for requests that bring none. */
  readonly #assumed: FlowType | undefined;
  /** Whether a request without a flow type goes on as it came. */
  readonly #passesUncolored: boolean;

  /** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
  constructor(coloring: Coloring, options: ServerColoringOptions<Request>) {
    const { accept = 'all', onInvalid, explain = 'colored', sources, auth } = checkOptions(options);
    if (!coloring) {
      throw new ColorwayError(
        'COLORWAY_INVALID_OPTION',
        'coloring: missing. Pass what createColoring() returned.',
      );
    }
    const { color, carriers, assumeInstanceColor, inFlight } = coloring;
    this.#coloring = coloring;
    this.#accept = accept;
    this.#authenticate = auth && authenticate(auth, carriers);
    this.#refusesInvalid = onInvalid === 'refuse';
    this.#explain = explain;
    this.#secondSource = sources && secondSource(sources, carriers);
    this.#countInFlight = countInFlight(inFlight);
    this.#mayCarry = headerGlance([...carriers.headers, 'baggage']);
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
    // Also of a request that another middleware has admitted, which may ask for less.
    const unauthenticated = this.#authenticate?.(req);
    if (unauthenticated !== undefined) return this.#refuse(req, res, unauthenticated);
    if (req[ADMITTED]) return PASS;
    const extracted = active === ROOT_CONTEXT ? undefined : flowTypeIn(active, this.#coloring.carriers);
    const incoming = this.#read(req);
    if (incoming.kind === 'none' && extracted === undefined && this.#passesUncolored)
      return this.#pass(active, res);
    const flow = this.#flowOf(incoming, request, extracted);
    if (flow instanceof ColorwayError) return this.#refuse(req, res, flow);
    req[ADMITTED] = true;

    const color = colorOf(flow);
    const colored = color !== undefined;
    if (colored) this.#coloring.noteUse(color);
    const explained = this.#explain === 'always' || (this.#explain === 'colored' && colored);
    if (flow === undefined && extracted === undefined && !explained) return this.#pass(active, res);
    this.#countInFlight(res, colored);

    let context = active;
    if (flow !== undefined) context = this.#withFlow(active, flow, req);
    else if (extracted !== undefined) context = withoutFlowType(active, this.#coloring.carriers);
    if (explained) {
      const trail = new Trail();
      context = withTrail(context, trail);
      addServerTiming(res, trail);
    }
    emitInContext(context, res, req);
    emitInContext(context, res, res);
    return { kind: 'enter', context };
  }

  #refuse(req: { [ADMITTED]?: true }, res: RawResponse, error: ColorwayError): Admission {
    if (!req[ADMITTED]) this.#countInFlight(res, false);
    req[ADMITTED] = true;
    return { kind: 'refuse', error };
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

  #read(req: RawRequest): Incoming {
    const incoming = this.#mayCarry(req) ? this.#readHeaders(req) : NOTHING_INCOMING;
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
