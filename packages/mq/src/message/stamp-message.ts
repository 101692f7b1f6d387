import { activeContext, type CarrierNames, type FlowType, formatBaggage, parseBaggage } from '@colorway/core';
import { propagation } from '@opentelemetry/api';
import { type MessageHeaders, messageBaggage } from './message-color.js';

/**
 * The headers of an outgoing message. With a flow type: a color as message property (the bare color, under
 * the first of `messageProperties`, which replaces all accepted ones) and as baggage member; a mark of
 * another kind as baggage member alone. Other baggage members stay: those in the caller's headers, or,
 * where there are none, those in the context.
 *
 * The flow type of the context is the truth and replaces what the headers say. Without one the headers are
 * returned as they came, so that whoever copies a message to a retry or dead-letter queue outside of any
 * context keeps its color. The caller's object is never changed.
 */
export function stampMessage<Headers extends MessageHeaders>(
  headers: Headers | undefined,
  flow: FlowType | undefined,
  carriers: CarrierNames,
): Headers | undefined {
  if (flow === undefined) return headers;
  const stamped: Record<string, unknown> = { ...headers };
  for (const property of carriers.messageProperties) delete stamped[property];
  if (flow.kind === 'color') stamped[carriers.messageProperties[0]] = flow.color;
  stamped.baggage = baggageWith(flow, messageBaggage(headers), carriers);
  return stamped as Headers;
}

function baggageWith(flow: FlowType, callers: string | undefined, { baggageKeys }: CarrierNames): string {
  const others = callers === undefined ? propagation.getBaggage(activeContext()) : parseBaggage(callers);
  const kept = baggageKeys.length === 1 ? others : others?.removeEntries(...baggageKeys);
  return formatBaggage(kept, { key: baggageKeys[0], value: flow.text });
}
