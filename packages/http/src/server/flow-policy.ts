import {
  type CarrierNames,
  type Coloring,
  ColorwayError,
  colorOf,
  count,
  type FlowType,
  flowTypeIn,
  flowTypeOfColor,
  foreignHeaders,
  hasBaggageKey,
  type Incoming,
  NOTHING_INCOMING,
  notePolicy,
  quote,
  readFlowHeaders,
  readIncoming,
  saysForeign,
  warnOnce,
} from '@colorway/core';
import type { Context } from '@opentelemetry/api';
import { MAY_CARRY_FLOW, MAY_CARRY_FOREIGN } from './header-glance.js';
import type { AcceptPolicy, AskedFlow, ServerColoringOptions } from './options.js';
import type { RawRequest } from './raw.js';
import { secondSource } from './second-source.js';

/**
 * What a request is served with. `taints`: what its headers say of a flow type does not count, and must not be copied into
 * calls and messages.
 */
export type Verdict =
  | { readonly kind: 'none'; readonly flow: FlowType | undefined; readonly taints: false }
  | { readonly kind: 'flow'; readonly flow: FlowType; readonly taints: boolean }
  | { readonly kind: 'ignored'; readonly flow: FlowType | undefined; readonly taints: boolean }
  | { readonly kind: 'error'; readonly error: ColorwayError };

/** Decides what counts of all that a request says of its flow type, whoever says it (law 8). */
export class FlowPolicy<Request> {
  readonly #carriers: CarrierNames;
  readonly #accept: AcceptPolicy<Request>;
  readonly #refusesInvalid: boolean;
  readonly #secondSource: ReturnType<typeof secondSource> | undefined;
  readonly #foreign: readonly string[];
  readonly #none: Verdict;
  readonly #ignored: Verdict;
  readonly #refused: Verdict;

  constructor(coloring: Coloring, options: ServerColoringOptions<Request>) {
    const { accept = 'all', onInvalid, sources } = options;
    const { color, carriers, assumeInstanceColor } = coloring;
    this.#carriers = carriers;
    this.#accept = accept;
    this.#refusesInvalid = onInvalid === 'refuse';
    this.#secondSource = sources && secondSource(sources, carriers);
    this.#foreign = this.hasPolicy ? foreignHeaders(carriers) : [];
    if (this.hasPolicy) notePolicy();
    // The instance's color, for requests that bring none.
    const flow = color !== undefined && assumeInstanceColor ? flowTypeOfColor(color, carriers) : undefined;
    this.#none = Object.freeze({ kind: 'none', flow, taints: false });
    this.#ignored = Object.freeze({ kind: 'ignored', flow, taints: this.hasPolicy });
    this.#refused = Object.freeze({ kind: 'ignored', flow, taints: true });
  }

  /** Whether not all that comes in counts. */
  get hasPolicy(): boolean {
    return this.#accept !== 'all';
  }

  /** Headers to look for, beside those in which we carry a flow type. */
  get foreign(): readonly string[] {
    return this.#foreign;
  }

  /** The flow type that a request gets that says nothing. */
  get assumed(): FlowType | undefined {
    return (this.#none as Extract<Verdict, { kind: 'none' }>).flow;
  }

  /**
   * @param carries what may stand in the headers: flags of the glance.
   * @param extracted what an OpenTelemetry instrumentation has read already, perhaps from a carrier of its own.
   * @param isSigned whether a signature says who sends the request; it covers the flow header, and that there is none.
   */
  decide(
    req: RawRequest,
    request: Request,
    carries: number,
    extracted: FlowType | undefined,
    isSigned: boolean,
  ): Verdict {
    if (this.#accept === 'none')
      return extracted !== undefined || this.#carries(req, carries) ? this.#refuse() : this.#none;
    const incoming = isSigned ? this.#readSigned(req, carries) : this.#read(req, carries);
    const counts = isSigned ? undefined : extracted;
    if (incoming.kind === 'none' && counts === undefined)
      return (isSigned || this.hasPolicy) && (extracted !== undefined || this.#carries(req, carries))
        ? this.#refuse()
        : this.#none;
    if (typeof this.#accept === 'function' && !this.#accepts(this.#accept, req, request, incoming, counts))
      return this.#refuse();
    if (incoming.kind === 'invalid') return this.#invalid(incoming.text);
    const flow = incoming.kind === 'flow' ? incoming.flow : (counts as FlowType);
    return { kind: 'flow', flow, taints: this.hasPolicy && this.#carriesForeign(req, carries) };
  }

  /**
   * The same for a request that another middleware has let in: whether its flow type is not accepted here. A stricter
   * policy wins, whichever comes first.
   */
  refusesLater(req: RawRequest, request: Request, active: Context): boolean {
    if (!this.hasPolicy) return false;
    const flow = flowTypeIn(active, this.#carriers);
    if (flow === undefined || flow.text === this.assumed?.text) return false;
    const isAccepted =
      typeof this.#accept === 'function' && this.#accepts(this.#accept, req, request, NOTHING_INCOMING, flow);
    if (!isAccepted) count('coloring.flow_type.rejected');
    return !isAccepted;
  }

  #refuse(): Verdict {
    count('coloring.flow_type.rejected');
    return this.#refused;
  }

  #invalid(text: string): Verdict {
    count('coloring.flow_type.invalid', { 'coloring.action': this.#refusesInvalid ? 'refuse' : 'ignore' });
    return this.#refusesInvalid ? { kind: 'error', error: invalidFlowType(text) } : this.#ignored;
  }

  #read(req: RawRequest, carries: number): Incoming {
    const { headers } = (carries & MAY_CARRY_FLOW) === 0 ? NO_HEADERS : req;
    const incoming =
      headers === undefined ? NOTHING_INCOMING : readIncoming((name) => headers[name], this.#carriers);
    return incoming.kind === 'none' && this.#secondSource !== undefined
      ? this.#secondSource(req).incoming
      : incoming;
  }

  /** Baggage, queries and cookies are not signed: whoever stands on the way could add them. */
  #readSigned({ headers }: RawRequest, carries: number): Incoming {
    return (carries & MAY_CARRY_FLOW) === 0
      ? NOTHING_INCOMING
      : readFlowHeaders((name) => headers[name], this.#carriers);
  }

  /** Whether a header says a flow type, whatever it is. */
  #carries(req: RawRequest, carries: number): boolean {
    if ((carries & MAY_CARRY_FLOW) !== 0) {
      const { headers } = req;
      const { baggage } = headers;
      if (this.#carriers.headers.some((name) => (headers[name]?.length ?? 0) > 0)) return true;
      if (baggage !== undefined && hasBaggageKey(String(baggage), this.#carriers.baggageKeys)) return true;
    }
    return this.#carriesForeign(req, carries);
  }

  #carriesForeign({ headers }: RawRequest, carries: number): boolean {
    if ((carries & MAY_CARRY_FOREIGN) === 0) return false;
    return this.#foreign.some((name) => {
      const value = headers[name];
      return value !== undefined && saysForeign(name, String(value), this.#carriers);
    });
  }

  #accepts(
    accept: (request: Request, asked: AskedFlow) => boolean,
    req: RawRequest,
    request: Request,
    incoming: Incoming,
    extracted: FlowType | undefined,
  ): boolean {
    const flow = incoming.kind === 'flow' ? incoming.flow : incoming.kind === 'none' ? extracted : undefined;
    const asked = { color: colorOf(flow), flowType: flow?.text, source: this.#sourceOf(req) };
    try {
      return accept(request, asked) === true; // a promise is not a yes
    } catch (error) {
      warnOnce(
        'COLORWAY_ACCEPT_FAILED',
        `The accept option threw ${quote(error)}. The flow type was not accepted; return false instead of throwing.`,
      );
      return false;
    }
  }

  #sourceOf(req: RawRequest): AskedFlow['source'] {
    const header = (name: string) => req.headers[name];
    if (readFlowHeaders(header, this.#carriers).kind !== 'none') return 'header';
    if (readIncoming(header, this.#carriers).kind !== 'none') return 'baggage';
    return this.#secondSource?.(req).source ?? 'propagator';
  }
}

const NO_HEADERS: { readonly headers?: undefined } = {};

function invalidFlowType(text: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_INVALID_FLOW_TYPE',
    `${quote(text)} is not a flow type. Send one like "CE_feat-cart", or none.`,
  );
}
