import {
  activeContext,
  type CarrierNames,
  type FlowType,
  foreignHeaders,
  formatBaggage,
  hasBaggageKey,
  parseBaggage,
  removeBaggageMembers,
  saysForeign,
  withoutKeys,
} from '@colorway/core';
import { type Baggage, propagation } from '@opentelemetry/api';

export const BAGGAGE = 'baggage';

/** Whether a header says whom a request is for; one that a caller copied says nothing of its own call. */
export function isWanted(name: string, { wantedHeader }: CarrierNames): boolean {
  return (
    name.length === wantedHeader.length && (name === wantedHeader || name.toLowerCase() === wantedHeader)
  );
}

/** A header's value, as Node and undici take it. */
export type OutgoingValue = string | number | readonly string[] | null | undefined;

export function isFlowHeader(name: string, { headers }: CarrierNames): boolean {
  for (const header of headers) {
    if (name.length === header.length && (name === header || name.toLowerCase() === header)) return true;
  }
  return false;
}

export function isBaggage(name: string): boolean {
  return name.length === BAGGAGE.length && (name === BAGGAGE || name.toLowerCase() === BAGGAGE);
}

/** Whether a header is one in which another propagator carries a color. */
export function isForeign(name: string, value: OutgoingValue, names: CarrierNames): boolean {
  const lower = name.toLowerCase();
  return foreignHeaders(names).includes(lower) && saysForeign(lower, textOf(value), names);
}

/** Whether a baggage header has a member that says a color. */
export function saysColor(value: OutgoingValue, { baggageKeys }: CarrierNames): boolean {
  return hasBaggageKey(textOf(value), baggageKeys);
}

/** The caller's baggage without the color; `''` when nothing is left. */
export function baggageWithoutColor(value: OutgoingValue, { baggageKeys }: CarrierNames): string {
  return removeBaggageMembers(textOf(value), baggageKeys);
}

/**
 * The baggage of a colored call: the color in front, then what the caller set, or, where it set none, what the
 * context holds. A color that the caller set itself is replaced: the context is the truth, else a proxy that
 * copies headers would let in a color that the edge has refused.
 */
export function baggageWithColor(flow: FlowType, callers: OutgoingValue, names: CarrierNames): string {
  const first = { key: names.baggageKeys[0], value: flow.text };
  if (callers !== undefined && callers !== null) {
    return formatBaggage(parseBaggage(baggageWithoutColor(callers, names)), first);
  }
  const baggage = propagation.getBaggage(activeContext());
  if (baggage === undefined) return formatBaggage(undefined, first);
  const known = headers.get(baggage);
  if (known?.text === flow.text && known.names === names) return known.header;
  const header = formatBaggage(withoutKeys(baggage, names.baggageKeys), first);
  headers.set(baggage, { text: flow.text, names, header });
  return header;
}

/** A request that makes several calls sends the same baggage with each. */
const headers = new WeakMap<Baggage, { text: string; names: CarrierNames; header: string }>();

function textOf(value: OutgoingValue): string {
  return Array.isArray(value) ? value.join(',') : String(value ?? '');
}
