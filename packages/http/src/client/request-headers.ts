import type { ClientRequest } from 'node:http';
import { type CarrierNames, ColorwayError, type FlowType } from '@colorway/core';
import { BAGGAGE, baggageWithColor, baggageWithoutColor, saysColor } from './outgoing-headers.js';
import type { ServiceCaller } from './service-caller.js';

/**
 * Puts the color on a request of node:http.
 * @throws ColorwayError `COLORWAY_HEADERS_FIXED` when its headers can no longer be changed
 */
export function colorRequest(request: ClientRequest, flow: FlowType, names: CarrierNames): void {
  if (request.headersSent) throw headersFixed(request);
  const [sent, ...others] = names.headers;
  for (const name of others) request.removeHeader(name);
  request.setHeader(sent, flow.text);
  request.setHeader(BAGGAGE, baggageWithColor(flow, request.getHeader(BAGGAGE), names));
}

/**
 * Takes any color off a request of node:http.
 * @param given the headers as the caller gave them: those of a list are fixed before an agent sees them
 * @throws ColorwayError `COLORWAY_HEADERS_FIXED` when a color is in headers that can no longer be changed
 */
export function uncolorRequest(request: ClientRequest, given: unknown, names: CarrierNames): void {
  const baggage = request.getHeader(BAGGAGE);
  const isColored =
    names.headers.some((name) => request.hasHeader(name)) ||
    (baggage !== undefined && saysColor(baggage, names));
  if (Array.isArray(given) && listSaysColor(given, names)) throw headersFixed(request);
  if (!isColored) return;
  changeHeaders(request, () => {
    for (const name of names.headers) request.removeHeader(name);
    if (baggage === undefined) return;
    const rest = baggageWithoutColor(baggage, names);
    if (rest === '') request.removeHeader(BAGGAGE);
    else request.setHeader(BAGGAGE, rest);
  });
}

/** Puts the headers on a request of node:http that prove who makes it. */
export function signRequest(request: ClientRequest, caller: ServiceCaller): void {
  const signature = caller.signature({
    method: request.method,
    authority: String(request.getHeader('host') ?? ''),
    target: request.path,
    header: (name) => {
      const value = request.getHeader(name);
      return Array.isArray(value) ? value.join(', ') : value?.toString();
    },
  });
  changeHeaders(request, () => {
    for (const [name, value] of signature) request.setHeader(name, value);
  });
}

/** Changes headers that may have been rendered, and not sent for want of a socket. */
function changeHeaders(request: ClientRequest, change: () => void): void {
  const wasRendered = request.headersSent;
  const rendering = request as Rendering;
  if (wasRendered) rendering._header = null;
  change();
  if (wasRendered) renderAgain(rendering);
}

/** What node:http keeps of headers that it has rendered and not yet sent, for want of a socket. */
type Rendering = ClientRequest & {
  _header: string | null;
  _implicitHeader(): void;
  outputData?: { data: string | Buffer }[];
};

/** Renders the headers once more, where they wait in front of the body: as `http-proxy-agent` does. */
function renderAgain(request: Rendering): void {
  request._implicitHeader();
  const first = request.outputData?.[0];
  if (typeof first?.data !== 'string' || request._header === null) return;
  first.data = request._header + first.data.slice(first.data.indexOf('\r\n\r\n') + 4);
}

/** Lists are flat, or of pairs. */
function listSaysColor(list: readonly unknown[], names: CarrierNames): boolean {
  const flat = list.flat();
  return flat.some((name, at) => {
    if (at % 2 !== 0) return false;
    const key = String(name).toLowerCase();
    return names.headers.includes(key) || (key === BAGGAGE && saysColor(String(flat[at + 1]), names));
  });
}

export function headersFixed(request: ClientRequest): ColorwayError {
  return new ColorwayError(
    'COLORWAY_HEADERS_FIXED',
    `The headers of ${request.method} ${request.path} were fixed before the color, or the caller's proof, could be set: node:http does that with headers given as a list, and with "Expect". Give them as an object.`,
  );
}
