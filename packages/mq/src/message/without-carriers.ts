import { type CarrierNames, foreignHeaders, hasBaggageKey, removeBaggageMembers } from '@colorway/core';
import { type MessageHeaders, messageBaggage } from './message-color.js';

const BAGGAGE = 'baggage';

/** A copy of a message's headers that says no flow type, in whatever carrier some propagator reads; names compare without case. */
export function withoutCarriers(headers: MessageHeaders, carriers: CarrierNames): Record<string, unknown> {
  const taken = new Set(
    [...carriers.messageProperties, ...carriers.headers, ...foreignHeaders(carriers)].map((name) =>
      name.toLowerCase(),
    ),
  );
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (taken.has(lower)) continue;
    const rest = lower === BAGGAGE ? baggageWithoutColor(value, carriers) : value;
    if (rest !== undefined) Object.defineProperty(kept, name, { ...OWN, value: rest });
  }
  return kept;
}

/** As `headers[name] = value`, but for a name like `__proto__`. */
const OWN = { writable: true, enumerable: true, configurable: true } as const;

/** What cannot be read, because it is too long say, is no baggage that anybody should read. */
function baggageWithoutColor(value: unknown, { baggageKeys }: CarrierNames): unknown {
  const text = messageBaggage({ [BAGGAGE]: value });
  if (text === undefined) return undefined;
  if (!hasBaggageKey(text, baggageKeys)) return value;
  return removeBaggageMembers(text, baggageKeys) || undefined;
}
