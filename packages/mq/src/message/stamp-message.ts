import {
  activeContext,
  baggageBeside,
  type CarrierNames,
  type FlowType,
  formatBaggage,
  parseBaggage,
} from '@colorway/core';
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
  return flow === undefined ? headers : (stampedHeaders(headers, flow, carriers) as Headers);
}

/** The same for a flow type that is there: an object of its own, for further headers. */
export function stampedHeaders(
  headers: MessageHeaders | undefined,
  flow: FlowType,
  carriers: CarrierNames,
): Record<string, unknown> {
  const stamped: Record<string, unknown> = { ...headers };
  if (headers !== undefined) for (const property of carriers.messageProperties) delete stamped[property];
  if (flow.kind === 'color') stamped[carriers.messageProperties[0]] = flow.color;
  stamped.baggage = baggageWith(flow, messageBaggage(headers), carriers);
  return stamped;
}

function baggageWith(flow: FlowType, callers: string | undefined, { baggageKeys }: CarrierNames): string {
  const others = callers === undefined ? baggageBeside(activeContext()) : parseBaggage(callers);
  const kept = baggageKeys.length === 1 ? others : others?.removeEntries(...baggageKeys);
  return formatBaggage(kept, { key: baggageKeys[0], value: flow.text });
}
