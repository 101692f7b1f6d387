import type { CarrierNames } from './carrier-names.js';
import { type Color, isColor, parseColor } from './color.js';
import { carrierNames } from './names-in-force.js';

/**
 * What the flow header carries: a color (`CE_<color>`), or a mark of another kind (a load test, say)
 * that travels on untouched and routes nothing. `text` is what is sent on.
 */
export type FlowType =
  | { readonly kind: 'color'; readonly color: Color; readonly text: string }
  | { readonly kind: 'other'; readonly text: string };

/** Characters that are safe in a header and in a baggage value: W3C Baggage's `baggage-octet`. */
const MARK = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]{1,256}$/;

/** `undefined` when the text is no flow type: too long, a bad character, or a prefix without a valid color. */
export function parseFlowType(text: string, names: CarrierNames = carrierNames()): FlowType | undefined {
  const [sent] = names.prefixes;
  for (const prefix of names.prefixes) {
    if (!text.startsWith(prefix)) continue;
    const color = text.slice(prefix.length);
    if (isColor(color)) return { kind: 'color', color, text: prefix === sent ? text : sent + color };
    if (prefix !== '') return undefined;
  }
  return MARK.test(text) ? { kind: 'other', text } : undefined;
}

/** `feat-cart` -> `CE_feat-cart`. @throws ColorwayError `COLORWAY_INVALID_COLOR` */
export function formatFlowType(color: Color, names: CarrierNames = carrierNames()): string {
  return names.prefixes[0] + parseColor(color);
}

/** The color of a flow type; `undefined` for none and for other marks. */
export function colorOf(flow: FlowType | undefined): Color | undefined {
  return flow?.kind === 'color' ? flow.color : undefined;
}

/** A color as a flow type. @throws ColorwayError `COLORWAY_INVALID_COLOR` */
export function flowTypeOfColor(color: Color, names: CarrierNames = carrierNames()): FlowType {
  return { kind: 'color', color, text: formatFlowType(color, names) };
}
