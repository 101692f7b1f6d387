import {
  type CarrierNames,
  type Color,
  carrierNames,
  colorOf,
  type FlowType,
  flowTypeOfColor,
  isColor,
  joinedValues,
  lastValue,
  readBaggage,
} from '@colorway/core';

/** Headers as a broker's client hands them over: whatever the sender put there. */
export type MessageHeaders = Readonly<Record<string, unknown>>;

const BAGGAGE = 'baggage';

/**
 * The color that a message carries: in a message property (any accepted name; a string or bytes), else as
 * baggage member. Never throws, whatever stands there; a value outside the grammar counts as none.
 *
 * @param names default: those of the process, which `createColoring` sets.
 */
export function messageColor(
  headers: MessageHeaders | undefined,
  names: CarrierNames = carrierNames(),
): Color | undefined {
  return colorOf(messageFlow(headers, names));
}

/** The flow type that a message carries: its color, else a mark of another kind, which stands in the baggage alone. */
export function messageFlow(
  headers: MessageHeaders | undefined,
  names: CarrierNames = carrierNames(),
): FlowType | undefined {
  if (headers === undefined || headers === null) return undefined;
  for (const property of names.messageProperties) {
    const color = lastValue(ownValue(headers, property), MAX_COLOR_BYTES);
    if (isColor(color)) return flowTypeOfColor(color, names);
  }
  const baggage = messageBaggage(headers);
  if (baggage === undefined) return undefined;
  const incoming = readBaggage(baggage, names);
  return incoming.kind === 'flow' ? incoming.flow : undefined;
}

/** Whether a message property says the color, and not the baggage alone. */
export function propertySays(
  headers: MessageHeaders,
  color: Color | undefined,
  names: CarrierNames,
): boolean {
  if (color === undefined) return false;
  return names.messageProperties.some(
    (property) => lastValue(ownValue(headers, property), MAX_COLOR_BYTES) === color,
  );
}

/**
 * The `baggage` header as text. Where it stands several times, all of them count, joined in their order;
 * `undefined` where there is none, an empty one, or more than W3C allows.
 */
export function messageBaggage(headers: MessageHeaders | undefined): string | undefined {
  return headers === undefined || headers === null
    ? undefined
    : joinedValues(ownValue(headers, BAGGAGE), MAX_BAGGAGE_BYTES);
}

export const MAX_COLOR_BYTES = 63;
/** Twice W3C's own limit: what lies beyond is not ours to read. */
export const MAX_BAGGAGE_BYTES = 16_384;

/** Only own values count: a property named like one of `Object.prototype` is none. */
function ownValue(headers: MessageHeaders, name: string): unknown {
  return Object.hasOwn(headers, name) ? headers[name] : undefined;
}
