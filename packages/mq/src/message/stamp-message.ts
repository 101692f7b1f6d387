import {
  activeContext,
  baggageBeside,
  type CarrierNames,
  type FlowType,
  formatBaggage,
  parseBaggage,
  refusesCarriers,
  withoutKeys,
} from '@colorway/core';
import { type MessageHeaders, messageBaggage } from './message-color.js';
import { withoutCarriers } from './without-carriers.js';

/**
 * The headers of an outgoing message. With a flow type: a color as message property (the bare color, under
 * the first of `messageProperties`, which replaces all accepted ones) and as baggage member; a mark of
 * another kind as baggage member alone. Other baggage members stay: those in the caller's headers, or,
 * where there are none, those in the context.
 *
 * The flow type of the context is the truth and replaces what the headers say. Without one the headers are
 * returned as they came, so that whoever copies a message to a retry or dead-letter queue outside of any
 * context keeps its color; but not where a request is served whose carriers were not accepted, and whose headers they
 * may be. The caller's object is never changed.
 */
export function stampMessage<Headers extends MessageHeaders>(
  headers: Headers | undefined,
  flow: FlowType | undefined,
  carriers: CarrierNames,
): Headers | undefined {
  if (flow !== undefined) return stampedHeaders(headers, flow, carriers) as Headers;
  return headers !== undefined && refusesCarriers()
    ? (withoutCarriers(headers, carriers) as Headers)
    : headers;
}

/**
 * The same for a flow type that is there: an object of its own, for further headers.
 *
 * @param callers the baggage in the headers, for a caller that has read it already.
 */
export function stampedHeaders(
  headers: MessageHeaders | undefined,
  flow: FlowType,
  carriers: CarrierNames,
  callers: string | undefined = messageBaggage(headers),
): Record<string, unknown> {
  const isRefused = headers !== undefined && refusesCarriers();
  const stamped: Record<string, unknown> = isRefused ? withoutCarriers(headers, carriers) : { ...headers };
  if (headers !== undefined) for (const property of carriers.messageProperties) delete stamped[property];
  if (flow.kind === 'color') stamped[carriers.messageProperties[0]] = flow.color;
  stamped.baggage = baggageWith(flow, callers, carriers);
  return stamped;
}

function baggageWith(flow: FlowType, callers: string | undefined, { baggageKeys }: CarrierNames): string {
  const others = callers === undefined ? baggageBeside(activeContext()) : parseBaggage(callers);
  return formatBaggage(others && withoutKeys(others, baggageKeys), { key: baggageKeys[0], value: flow.text });
}
