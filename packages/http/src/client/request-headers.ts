import type { ClientRequest } from 'node:http';
import {
  type CarrierNames,
  type FlowType,
  foreignHeaders,
  refusesCarriers,
  saysForeign,
} from '@colorway/core';
import { BAGGAGE, baggageWithColor, baggageWithoutColor, saysColor } from './outgoing-headers.js';
import { changeHeaders, type HeaderChanges, readHeader } from './request-head.js';
import type { ServiceCaller } from './service-caller.js';

type Change = HeaderChanges[number];

/**
 * Puts the color on a request of node:http, in whatever state its head is.
 * @throws ColorwayError `COLORWAY_HEADERS_FIXED` when its head has left already
 */
export function colorRequest(
  request: ClientRequest,
  flow: FlowType,
  names: CarrierNames,
  more: readonly Change[] = [],
): void {
  const [sent, ...others] = names.headers;
  changeHeaders(request, [
    ...others.map((name): Change => [name, undefined]),
    [sent, flow.text],
    [BAGGAGE, baggageWithColor(flow, readHeader(request, BAGGAGE), names)],
    ...foreignChanges(request, names),
    ...more,
  ]);
}

/**
 * Takes any color off a request of node:http, in whatever state its head is.
 * @throws ColorwayError `COLORWAY_HEADERS_FIXED` when a color is in a head that has left already
 */
export function uncolorRequest(
  request: ClientRequest,
  names: CarrierNames,
  more: readonly Change[] = [],
): void {
  const changes = [...more, ...foreignChanges(request, names)];
  for (const name of names.headers) {
    if (readHeader(request, name) !== undefined) changes.push([name, undefined]);
  }
  const baggage = readHeader(request, BAGGAGE);
  if (baggage !== undefined && saysColor(baggage, names)) {
    const rest = baggageWithoutColor(baggage, names);
    changes.push([BAGGAGE, rest === '' ? undefined : rest]);
  }
  if (changes.length > 0) changeHeaders(request, changes);
}

/** What other propagators would carry on, of a request whose carriers were not accepted. */
function foreignChanges(request: ClientRequest, names: CarrierNames): readonly Change[] {
  if (!refusesCarriers()) return NO_CHANGES;
  return foreignHeaders(names).flatMap((name): Change[] => {
    const value = readHeader(request, name);
    return value !== undefined && saysForeign(name, value, names) ? [[name, undefined]] : [];
  });
}

const NO_CHANGES: readonly Change[] = [];

/** Puts the headers on a request of node:http that prove who makes it. */
export function signRequest(request: ClientRequest, caller: ServiceCaller): void {
  const signature = caller.signature({
    method: request.method,
    authority: readHeader(request, 'host') ?? '',
    target: request.path,
    header: (name) => readHeader(request, name),
  });
  changeHeaders(
    request,
    signature.map(([name, value]): Change => [name.toLowerCase(), value]),
  );
}
