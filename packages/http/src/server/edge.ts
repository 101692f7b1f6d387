import type { EventEmitter } from 'node:events';
import {
  activeContext,
  type Coloring,
  ColorwayError,
  colorOf,
  type DecisionEvent,
  extractedFlowType,
  type FlowType,
  scanBaggage,
  Trail,
  withFlowType,
  withIncomingBaggage,
  withoutFlowType,
  withRefusedCarriers,
  withTrail,
} from '@colorway/core';
import { type Context, ROOT_CONTEXT } from '@opentelemetry/api';
import { callerOf } from '../auth/caller.js';
import { enterOnMessages } from '../context/upgrade-context.js';
import type { Admission, SettledAdmission } from './admission.js';
import { ADMITTED } from './admitted.js';
import { authenticate } from './authenticate.js';
import { countInFlight } from './count-in-flight.js';
import { emitInContext } from './emit-in-context.js';
import { type Admitting, FlowPolicy, type Verdict } from './flow-policy.js';
import { headerGlance, MAY_CARRY_WANTED } from './header-glance.js';
import { guardRegisteredServers, misdirection, servicesOf } from './misdirected.js';
import { checkOptions, type ServerColoringOptions } from './options.js';
import type { RawRequest, RawResponse } from './raw.js';
import { carrierRemover } from './remove-carriers.js';
import { addServerTiming } from './server-timing.js';
import { staleContext } from './stale-context.js';
import { watchUpgrades } from './unseen-upgrades.js';
import { whileWaiting } from './waiting.js';

const PASS: SettledAdmission = Object.freeze({ kind: 'pass' });

/**
 * Where requests enter a service: reads the flow type, applies the edge policy and makes the context in
 * which the request is served. An uncolored request enters none (law 10): a header scan, and a `close` listener
 * that counts it.
 */
export class Edge<Request> {
  readonly #coloring: Coloring;
  readonly #policy: FlowPolicy<Request>;
  /** Where refused carriers are taken out of the request itself. */
  readonly #remove: ((request: RawRequest) => void) | undefined;
  readonly #authenticate: ReturnType<typeof authenticate> | undefined;
  readonly #onStale: ((event: DecisionEvent) => void) | undefined;
  readonly #explain: 'colored' | 'always' | 'never';
  readonly #glance: (request: RawRequest) => number;
  readonly #misdirected: (request: RawRequest) => ColorwayError | undefined;
  readonly #countInFlight: (response: RawResponse, colored: boolean) => void;
  /** Whether a request without a flow type goes on as it came. */
  readonly #passesUncolored: boolean;
  /** Watches a server, which upgrades may come to that no middleware sees. */
  readonly watchUpgrades: (server: unknown) => void;
  #server: unknown;

  /**
   * @param admitsUpgradesLater whether upgrades are shown to it too, perhaps a while after the event
   * @throws ColorwayError `COLORWAY_INVALID_OPTION`
   */
  constructor(coloring: Coloring, options: ServerColoringOptions<Request>, admitsUpgradesLater = false) {
    const { explain = 'colored', refused = 'keep', sources, auth, alsoServes } = checkOptions(options);
    if (!coloring) {
      throw new ColorwayError(
        'COLORWAY_INVALID_OPTION',
        'coloring: missing. Pass what createColoring() returned.',
      );
    }
    const { carriers, inFlight } = coloring;
    this.#coloring = coloring;
    this.#policy = new FlowPolicy(coloring, options);
    this.#remove = refused === 'remove' ? carrierRemover(carriers, sources) : undefined;
    this.#authenticate = auth && authenticate(auth, carriers, servicesOf(coloring));
    this.#onStale = staleContext(coloring);
    this.#explain = explain;
    this.#countInFlight = countInFlight(inFlight);
    this.#glance = headerGlance(
      [...carriers.headers, 'baggage'],
      carriers.wantedHeader,
      this.#policy.foreign,
    );
    this.#misdirected = misdirection(coloring, alsoServes);
    guardRegisteredServers(coloring);
    this.watchUpgrades = watchUpgrades(coloring, admitsUpgradesLater);
    this.#passesUncolored = this.#policy.assumed === undefined && explain !== 'always';
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
    if (early instanceof Promise)
      return whileWaiting(this.#coloring.inFlight, req, early, () => this.admit(req, res, request, active));
    if (early !== undefined) {
      if (!req[ADMITTED]) this.#countInFlight(res, false);
      req[ADMITTED] = true;
      return early;
    }
    if (req[ADMITTED]) return this.#admitAgain(req, res, request, active);
    const extracted =
      active === ROOT_CONTEXT ? undefined : extractedFlowType(active, this.#coloring.carriers);
    const verdict = this.#verdict(req, request, carries, extracted);
    if (verdict.kind === 'none' && this.#passesUncolored) return this.#pass(active, res);
    req[ADMITTED] = true;
    if (verdict.kind === 'error') {
      this.#countInFlight(res, false);
      return { kind: 'refuse', error: verdict.error };
    }

    const { flow, taints } = verdict;
    const color = colorOf(flow);
    const colored = color !== undefined;
    if (colored) this.#coloring.noteUse(color);
    const explained = this.#explain === 'always' || (this.#explain === 'colored' && colored);
    if (flow === undefined && extracted === undefined && !explained && !taints)
      return this.#pass(active, res);
    this.#countInFlight(res, colored);

    let context = this.#contextFor(active, req, verdict, extracted);
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
    if (early instanceof Promise)
      return whileWaiting(this.#coloring.inFlight, req, early, () => this.admitUpgrade(req, request, active));
    const wasAdmitted = req[ADMITTED];
    req[ADMITTED] = true;
    if (early !== undefined) return early;
    if (wasAdmitted) return this.#admitAgain(req, undefined, request, active);
    const extracted =
      active === ROOT_CONTEXT ? undefined : extractedFlowType(active, this.#coloring.carriers);
    const verdict = this.#verdict(req, request, carries, extracted);
    if (verdict.kind === 'error') return { kind: 'refuse', error: verdict.error };
    const { flow, taints } = verdict;
    const color = colorOf(flow);
    if (color !== undefined) this.#coloring.noteUse(color);
    const isPassed = flow === undefined && extracted === undefined && !taints;
    const context = this.#contextFor(active, req, verdict, extracted);
    // Also without a color: enterOnMessages says how a message could otherwise run in another connection's color.
    enterOnMessages(context, req.socket as EventEmitter);
    return isPassed ? PASS : { kind: 'enter', context };
  }

  /** Has other middlewares let a request pass that went on as it is. Those that enter a context are marked already. */
  markAdmitted(req: RawRequest & { [ADMITTED]?: true }): void {
    req[ADMITTED] = true;
  }

  /** What is decided before anything else is looked at, and for a request too that another middleware has admitted. */
  #turnAway(req: RawRequest, carries: number): SettledAdmission | Promise<void> | undefined {
    const misdirected = (carries & MAY_CARRY_WANTED) === 0 ? undefined : this.#misdirected(req);
    if (misdirected !== undefined) return { kind: 'misdirected', error: misdirected };
    const unauthenticated = this.#authenticate?.(req);
    if (unauthenticated === undefined || unauthenticated instanceof Promise) return unauthenticated;
    return { kind: 'refuse', error: unauthenticated };
  }

  /** Watches this connection's server: no middleware sees the upgrades it may get. HTTP/2 has none, and its sockets are costly to ask. */
  #meet(req: RawRequest & { readonly stream?: unknown }): void {
    if (req.stream !== undefined) return;
    const { server } = (req.socket ?? {}) as { server?: unknown };
    if (server === this.#server) return;
    this.#server = server;
    this.watchUpgrades(server);
  }

  #pass(active: Context, res: RawResponse): Admission {
    this.#countInFlight(res, false);
    // A pipelined response is sent off by the end of the one before it, perhaps in that one's color.
    if (res.socket === null) emitInContext(active, res, res);
    return PASS;
  }

  #verdict(req: RawRequest, request: Request, carries: number, extracted: FlowType | undefined): Verdict {
    const isSigned = this.#authenticate !== undefined && callerOf(req) !== undefined;
    return this.#policy.decide(req, request, carries, extracted, isSigned);
  }

  /** The context in which a request is served that was decided so. */
  #contextFor(
    active: Context,
    req: RawRequest,
    { flow, taints }: Admitting,
    extracted: FlowType | undefined,
  ): Context {
    const context = taints ? this.#tainted(active, req) : active;
    if (flow !== undefined) return this.#withFlow(context, flow, req);
    return extracted === undefined || taints ? context : withoutFlowType(active, this.#coloring.carriers);
  }

  /** The context of a request whose headers are not to be believed, and must not be copied. */
  #tainted(active: Context, req: RawRequest): Context {
    this.#remove?.(req);
    return withRefusedCarriers(active, this.#coloring.carriers);
  }

  /** A request that another middleware has let in. The stricter policy wins. */
  #admitAgain(
    req: RawRequest,
    res: RawResponse | undefined,
    request: Request,
    active: Context,
  ): SettledAdmission {
    if (!this.#policy.refusesLater(req, request, active)) return PASS;
    const refused = this.#tainted(active, req);
    const { assumed } = this.#policy;
    const context = assumed === undefined ? refused : withFlowType(refused, assumed, this.#coloring.carriers);
    if (res === undefined) enterOnMessages(context, req.socket as EventEmitter);
    else {
      emitInContext(context, res, req);
      emitInContext(context, res, res);
    }
    return { kind: 'enter', context };
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
