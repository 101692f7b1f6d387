import { hasBaggageMember, scanBaggage } from './baggage.js';
import type { CarrierNames } from './carrier-names.js';
import { type FlowType, parseFlowType } from './flow-type.js';
import { joinedValues } from './joined-values.js';

/** What a request or a message carries. `invalid` holds the text as it came: quote it before it is shown. */
export type Incoming =
  | { readonly kind: 'none' }
  | { readonly kind: 'flow'; readonly flow: FlowType }
  | { readonly kind: 'invalid'; readonly text: string };

export type HeaderValue = string | readonly string[] | undefined;

export const NOTHING_INCOMING: Incoming = Object.freeze({ kind: 'none' });

/**
 * The flow type among headers: the flow header, else the baggage member. Never throws, whatever stands
 * there. A header that stands several times with one value counts once; with different values, it is invalid. An empty one is absent:
 * proxies that set a header from a variable send it so.
 */
export function readIncoming(header: (name: string) => HeaderValue, names: CarrierNames): Incoming {
  const incoming = readFlowHeaders(header, names);
  if (incoming !== NOTHING_INCOMING) return incoming;
  const baggage = header('baggage');
  return baggage === undefined ? NOTHING_INCOMING : readBaggage(baggage, names);
}

/** The same of the flow headers alone. */
export function readFlowHeaders(header: (name: string) => HeaderValue, names: CarrierNames): Incoming {
  for (const name of names.headers) {
    const value = header(name);
    if (value === undefined) continue;
    const incoming = parseIncoming(value, names);
    if (incoming !== NOTHING_INCOMING) return incoming;
  }
  return NOTHING_INCOMING;
}

/** The value of one carrier (a header, a query parameter, a cookie, a message property) as {@link Incoming}. */
export function parseIncoming(value: HeaderValue, names: CarrierNames): Incoming {
  if (value === undefined) return NOTHING_INCOMING;
  const text = onlyValue(value);
  if (text === '') return NOTHING_INCOMING;
  return text === undefined ? { kind: 'invalid', text: String(value) } : parseText(text, names);
}

function parseText(text: string, names: CarrierNames): Incoming {
  const flow = parseFlowType(text, names);
  return flow === undefined ? { kind: 'invalid', text } : { kind: 'flow', flow };
}

/** The flow type in a `baggage` header. */
export function readBaggage(value: string | readonly string[], names: CarrierNames): Incoming {
  const header = typeof value === 'string' ? value : (joinedValues(value) ?? '');
  if (names === last.names && hasBaggageMember(header, last.member, last.key)) return last.incoming;
  for (const key of names.baggageKeys) {
    const text = scanBaggage(header, key);
    if (text !== undefined && text !== '') return remember(key, text, names);
  }
  return NOTHING_INCOMING;
}

interface Seen {
  readonly names: CarrierNames | undefined;
  readonly key: string;
  readonly member: string;
  readonly incoming: Incoming;
}

/* Most of what one process sees is one color: looking for the last one costs a third of reading it anew. */
let last: Seen = { names: undefined, key: '', member: '', incoming: NOTHING_INCOMING };

function remember(key: string, text: string, names: CarrierNames): Incoming {
  const incoming = Object.freeze(parseText(text, names));
  // Other keys stand behind the first one, so only of that one a quick look is enough.
  if (incoming.kind === 'flow' && key === names.baggageKeys[0]) {
    last = { names, key, member: `${key}=${text}`, incoming };
  }
  return incoming;
}

/** Node joins repeated header lines with a comma, which no flow type contains. `''` for nothing but empty ones. */
function onlyValue(value: string | readonly string[]): string | undefined {
  if (typeof value === 'string' && !value.includes(',')) return value.trim();
  const parts = (typeof value === 'string' ? value : value.join(','))
    .split(',', 17)
    .map((part) => part.trim());
  if (parts.length > 16) return undefined;
  const [first = '', ...others] = parts.filter((part) => part !== '');
  return others.every((part) => part === first) ? first : undefined;
}
