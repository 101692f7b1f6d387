import { type Color, ColorwayError, quote } from '@colorway/core';
import type { ServiceAuth } from '../auth/service-auth.js';

/** Options of every server adapter. `Request` is the framework's own: that of Express or Fastify, Koa's `ctx`. */
export interface ServerColoringOptions<Request = unknown> {
  /**
   * Who may set a flow type (law 8). Default `'all'`, which suits services behind an edge; at the edge,
   * say `'none'` or decide by request. A flow type that is not accepted is counted
   * (`coloring.flow_type.rejected`) and the request is served as if it had none; clients and producers of this library
   * send it nowhere, even where its headers are copied. A function is told what is asked for and by which carrier;
   * one that throws accepts nothing, with a process warning once. Of several middlewares that a request passes, each has
   * its say: the stricter one wins. With any policy but `'all'` in the process, no code in front of the
   * middleware runs in a color that OpenTelemetry has read: see `trustBaggage` of `createColoring`.
   */
  readonly accept?: AcceptPolicy<Request>;
  /**
   * What happens to a flow type that is not accepted in the request itself. `'keep'`: the headers stay as they came.
   * `'remove'`: it is taken out of `headers`, `rawHeaders` and, of what `sources` reads, `url` and cookies, so that nobody
   * can copy it, for example a proxy that does not use this library's client. Default `'keep'`.
   */
  readonly refused?: 'keep' | 'remove';
  /** Further carriers, for callers that cannot send headers. Default none. A header wins over them. */
  readonly sources?: SecondSources;
  /**
   * What an invalid flow type leads to, where the sender may set one. `'ignore'`: the request is served
   * without. `'refuse'`: ColorwayError `COLORWAY_INVALID_FLOW_TYPE` (400) through the framework's error path.
   * Counted either way (`coloring.flow_type.invalid`). Default `'ignore'`.
   */
  readonly onInvalid?: 'ignore' | 'refuse';
  /**
   * Asks callers to prove that they are services of this system: `serviceAuth({ secret })`. A request that has to be
   * signed and is not is refused with ColorwayError `COLORWAY_UNAUTHENTICATED` (401), through the framework's error
   * path, before anything else; `callerOf(request)` names the caller of the others, in `accept` too. Default none.
   */
  readonly auth?: ServiceAuth;
  /**
   * Further services that this instance answers for, where one server is registered under several names. A routed
   * request that wants any other service, or another color, is answered 421 before the application runs, so that its
   * caller goes on to the right instance. Default none: the service of the coloring alone.
   */
  readonly alsoServes?: readonly string[];
  /**
   * Which responses tell the way that the request took, in `Server-Timing`: those of colored requests, all,
   * or none. `'always'` enters an async context for uncolored requests too. Default `'colored'`.
   */
  readonly explain?: 'colored' | 'always' | 'never';
}

export type AcceptPolicy<Request> = 'all' | 'none' | ((request: Request, asked: AskedFlow) => boolean);

/** What a request asks for, as a policy is told it. */
export interface AskedFlow {
  /** `undefined` for a mark of another kind, and for what is no flow type. */
  readonly color: Color | undefined;
  /** The flow type as it would be sent on: `CE_feat-cart`. `undefined` for what is none. */
  readonly flowType: string | undefined;
  /** Which carrier says so. `propagator`: OpenTelemetry has read it, from a carrier that is not read here. */
  readonly source: 'header' | 'baggage' | 'query' | 'cookie' | 'propagator';
}

export interface SecondSources {
  /** A query parameter, for web hooks: `true` for the flow header's name, or a name. */
  readonly query?: true | string;
  /** A cookie, for browsers: `true` for the flow header's name, or a name. */
  readonly cookie?: true | string;
}

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` */
export function checkOptions<Request>(
  options: ServerColoringOptions<Request>,
): ServerColoringOptions<Request> {
  const { accept, onInvalid, explain, refused, sources, alsoServes } = options;
  if (typeof accept !== 'function') oneOf('accept', accept, ['all', 'none']);
  oneOf('onInvalid', onInvalid, ['ignore', 'refuse']);
  oneOf('refused', refused, ['keep', 'remove']);
  oneOf('explain', explain, ['colored', 'always', 'never']);
  if (alsoServes !== undefined && !isListOfNames(alsoServes))
    throw invalid('alsoServes', alsoServes, 'a list of service names, or left out');
  for (const source of ['query', 'cookie'] as const) {
    const name: unknown = sources?.[source];
    if (name === undefined || name === true || (typeof name === 'string' && name !== '')) continue;
    throw invalid(`sources.${source}`, name, 'true, or a name, or left out');
  }
  return { ...options };
}

function isListOfNames(value: unknown): boolean {
  return Array.isArray(value) && value.every((name) => typeof name === 'string' && name !== '');
}

function oneOf(option: string, value: unknown, allowed: readonly string[]): void {
  if (value === undefined || allowed.includes(value as string)) return;
  throw invalid(option, value, allowed.map(quote).join(', '));
}

function invalid(option: string, value: unknown, allowed: string): ColorwayError {
  return new ColorwayError('COLORWAY_INVALID_OPTION', `${option}: ${quote(value)} is none of: ${allowed}.`);
}
