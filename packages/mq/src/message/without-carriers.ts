import {
  type CarrierNames,
  type FlowType,
  foreignHeaders,
  hasBaggageKey,
  JAEGER_BAGGAGE,
  joinedValues,
  lastValue,
  readBaggage,
  removeBaggageMembers,
} from '@colorway/core';
import { MAX_BAGGAGE_BYTES, MAX_COLOR_BYTES, type MessageHeaders } from './message-color.js';

const BAGGAGE = 'baggage';

/** What one header says of a flow type: nothing, exactly the given one where we read it, or something else. */
type Says = 'nothing' | 'flow' | 'other';

/**
 * A copy of a message's headers that says no flow type, in whatever carrier some propagator reads; names compare without case.
 *
 * @param kept a flow type that counts: what says exactly that, where this library reads it, stays as it is.
 */
export function withoutCarriers(
  headers: MessageHeaders,
  carriers: CarrierNames,
  kept?: FlowType,
): Record<string, unknown> {
  const rest: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (kept !== undefined && says(name, value, carriers, kept) === 'flow') put(rest, name, value);
    else if (lower === BAGGAGE) put(rest, name, baggageWithoutColor(value, carriers));
    else if (!carrierNamesOf(carriers).has(lower)) put(rest, name, value);
  }
  return rest;
}

/**
 * What all headers of a message say together. Decodes nothing but baggage.
 *
 * @param flow what was read; then `flow` is that this is all that they say.
 */
export function carriersSay(headers: MessageHeaders, carriers: CarrierNames, flow?: FlowType): Says {
  let found: Says = 'nothing';
  for (const name in headers) {
    if (!Object.hasOwn(headers, name)) continue;
    const one = says(name, headers[name], carriers, flow);
    if (one === 'other') return 'other';
    if (one === 'flow') found = 'flow';
  }
  return found;
}

function says(name: string, value: unknown, carriers: CarrierNames, flow: FlowType | undefined): Says {
  const lower = name.length > MAX_NAME ? '' : name.toLowerCase();
  if (lower === BAGGAGE) return baggageSays(name, value, carriers, flow);
  if (!carrierNamesOf(carriers).has(lower) || isEmpty(value)) return 'nothing';
  if (lower === JAEGER_BAGGAGE) return baggageSays(name, value, carriers, flow);
  const isColor =
    flow?.kind === 'color' &&
    carriers.messageProperties.includes(name) &&
    lastValue(value, MAX_COLOR_BYTES) === flow.color;
  return isColor ? 'flow' : 'other';
}

function baggageSays(name: string, value: unknown, carriers: CarrierNames, flow: FlowType | undefined): Says {
  const text = joinedValues(value, MAX_BAGGAGE_BYTES);
  // What is too long to be read here may be read elsewhere.
  if (text === undefined) return isEmpty(value) ? 'nothing' : 'other';
  if (!hasBaggageKey(text, carriers.baggageKeys)) return 'nothing';
  const read = flow === undefined || name !== BAGGAGE ? undefined : readBaggage(text, carriers);
  return read?.kind === 'flow' && read.flow.text === flow?.text ? 'flow' : 'other';
}

function isEmpty(value: unknown): boolean {
  return value === undefined || value === null || (value as { readonly length?: unknown }).length === 0;
}

const names = new WeakMap<CarrierNames, ReadonlySet<string>>();

/** Of headers that say a flow type, whatever they hold; in lower case. */
function carrierNamesOf(carriers: CarrierNames): ReadonlySet<string> {
  let found = names.get(carriers);
  if (found === undefined) {
    const all = [...carriers.messageProperties, ...carriers.headers, ...foreignHeaders(carriers)];
    found = new Set(all.map((name) => name.toLowerCase()));
    names.set(carriers, found);
  }
  return found;
}

/** What carriers may be called (128), and a prefix. */
const MAX_NAME = 160;

/** As `headers[name] = value`, but for a name like `__proto__`. */
function put(headers: Record<string, unknown>, name: string, value: unknown): void {
  if (value === undefined) return;
  Object.defineProperty(headers, name, { writable: true, enumerable: true, configurable: true, value });
}

/** What cannot be read, because it is too long say, is no baggage that anybody should read. Bytes stay bytes. */
function baggageWithoutColor(value: unknown, { baggageKeys }: CarrierNames): unknown {
  const text = joinedValues(value, MAX_BAGGAGE_BYTES);
  if (text === undefined) return undefined;
  if (!hasBaggageKey(text, baggageKeys)) return value;
  const rest = removeBaggageMembers(text, baggageKeys);
  if (rest === '') return undefined;
  return value instanceof Uint8Array ? Buffer.from(rest) : rest;
}
