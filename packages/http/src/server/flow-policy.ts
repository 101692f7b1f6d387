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
  NOTHING_INCOMING,
  notePolicy,
  quote,
  readBaggage,
  readFlowHeaders,
  saysForeign,
  warnOnce,
} from '@colorway/core';
import type { Context } from '@opentelemetry/api';
import { MAY_CARRY_FLOW, MAY_CARRY_FOREIGN } from './header-glance.js';
import type { AcceptPolicy, AskedFlow, ServerColoringOptions } from './options.js';
import type { RawRequest } from './raw.js';
import { type Found, NOTHING_FOUND, secondSource } from './second-source.js';

/**
 * What a request is served with. `taints`: what its headers say of a flow type does not count, and must not be copied into
 * calls and messages.
 */
export type Verdict = Admitting | { readonly kind: 'error'; readonly error: ColorwayError };

/** `none`: the request says nothing. `said`: it does, whether it counts or not. */
export interface Admitting {
  readonly kind: 'none' | 'said';
  readonly flow: FlowType | undefined;
  readonly taints: boolean;
}

/** Decides what counts of all that a request says of its flow type, whoever says it (law 8). */
export class FlowPolicy<Request> {
  readonly #carriers: CarrierNames;
  readonly #accept: AcceptPolicy<Request>;
  readonly #refusesInvalid: boolean;
  readonly #secondSource: ReturnType<typeof secondSource> | undefined;
  /** Whether not all that comes in counts. */
  readonly hasPolicy: boolean;
  /** Headers to look for, beside those in which we carry a flow type. */
  readonly foreign: readonly string[];
  /** The flow type of a request that carries none: the instance's color. */
  readonly assumed: FlowType | undefined;
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
    this.hasPolicy = accept !== 'all';
    this.foreign = this.hasPolicy ? foreignHeaders(carriers) : [];
    if (this.hasPolicy) notePolicy();
    const flow = color !== undefined && assumeInstanceColor ? flowTypeOfColor(color, carriers) : undefined;
    this.assumed = flow;
    this.#none = Object.freeze({ kind: 'none', flow, taints: false });
    this.#ignored = Object.freeze({ kind: 'said', flow, taints: this.hasPolicy });
    this.#refused = Object.freeze({ kind: 'said', flow, taints: true });
  }

  /**
   * @param carries what may stand in the headers: flags of the glance.
   * @param extracted what an OpenTelemetry instrumentation has read already, perhaps from a carrier of its own.
   * @param isSigned whether a signature says who sends the request; the signature covers the flow header, or its absence.
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
    const { incoming, source } = isSigned ? this.#readSigned(req, carries) : this.#read(req, carries);
    const counts = isSigned ? undefined : extracted;
    if (incoming.kind === 'none' && counts === undefined)
      return (isSigned || this.hasPolicy) && (extracted !== undefined || this.#carries(req, carries))
        ? this.#refuse()
        : this.#none;
    const flow = incoming.kind === 'flow' ? incoming.flow : incoming.kind === 'none' ? counts : undefined;
    if (typeof this.#accept === 'function' && !this.#accepts(this.#accept, request, flow, source))
      return this.#refuse();
    if (incoming.kind === 'invalid') return this.#invalid(incoming.text);
    return { kind: 'said', flow, taints: this.hasPolicy && this.#carriesForeign(req, carries) };
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
      typeof this.#accept === 'function' &&
      this.#accepts(this.#accept, request, flow, this.#read(req, MAY_CARRY_FLOW).source);
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

  #read(req: RawRequest, carries: number): Found {
    const signed = this.#readSigned(req, carries);
    if (signed !== NOTHING_FOUND) return signed;
    const baggage = (carries & MAY_CARRY_FLOW) === 0 ? undefined : req.headers.baggage;
    const incoming = baggage === undefined ? NOTHING_INCOMING : readBaggage(baggage, this.#carriers);
    if (incoming.kind !== 'none') return { incoming, source: 'baggage' };
    return this.#secondSource?.(req) ?? NOTHING_FOUND;
  }

  /** Baggage, queries and cookies are not signed: whoever stands on the way could add them. */
  #readSigned({ headers }: RawRequest, carries: number): Found {
    if ((carries & MAY_CARRY_FLOW) === 0) return NOTHING_FOUND;
    const incoming = readFlowHeaders((name) => headers[name], this.#carriers);
    return incoming.kind === 'none' ? NOTHING_FOUND : { incoming, source: 'header' };
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
    return this.foreign.some((name) => {
      const value = headers[name];
      return value !== undefined && saysForeign(name, String(value), this.#carriers);
    });
  }

  #accepts(
    accept: (request: Request, asked: AskedFlow) => boolean,
    request: Request,
    flow: FlowType | undefined,
    source: AskedFlow['source'],
  ): boolean {
    const asked = { color: colorOf(flow), flowType: flow?.text, source };
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
}

function invalidFlowType(text: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_INVALID_FLOW_TYPE',
    `${quote(text)} is not a flow type. Send one like "CE_feat-cart", or none.`,
  );
}
