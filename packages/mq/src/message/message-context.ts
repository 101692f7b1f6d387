import {
  activeContext,
  activeFlowType,
  type CarrierNames,
  type Coloring,
  carrierNames,
  type FlowType,
  parseBaggage,
  runInContext,
  withFlowType,
  withoutFlowType,
  withoutRefusedCarriers,
  withRefusedCarriers,
} from '@colorway/core';
import { type Context, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import { type MessageHeaders, messageBaggage, messageFlow } from './message-color.js';
import type { Admitted } from './message-policy.js';

/**
 * Runs `fn` in exactly the color of a message, and returns what it returns. The color and the baggage come
 * from the message alone: whatever is active where the client calls (the request in which the connection was
 * opened, the message before) does not reach `fn`. An active span stays, so that an instrumentation's does.
 *
 * A message without a color runs in none; what it sends takes the color of a colored instance all the same,
 * because `assumeInstanceColor` is a property of work without a color.
 */
export function runInMessageContext<T>(
  coloring: Pick<Coloring, 'carriers'>,
  headers: MessageHeaders | undefined,
  fn: () => T,
): T {
  return runInFlow(coloring, headers, messageFlow(headers, coloring.carriers), fn);
}

/** The same for a caller that has read the message's flow type already. */
export function runInFlow<T>(
  { carriers }: Pick<Coloring, 'carriers'>,
  headers: MessageHeaders | undefined,
  flow: FlowType | undefined,
  fn: () => T,
): T {
  const baggage = messageBaggage(headers);
  const active = activeContext();
  const outer = withoutRefusedCarriers(active);
  if (flow === undefined && baggage === undefined) {
    // Most messages have no color and come where nothing is active: they enter no context.
    if (active === ROOT_CONTEXT) return fn();
    const isAsItIs = outer === active && propagation.getBaggage(active) === undefined;
    if (isAsItIs && activeFlowType() === undefined) return fn();
    return runInContext(propagation.deleteBaggage(withoutFlowType(outer, carriers)), fn);
  }
  const carried = withBaggage(outer, isSaidBy(flow, baggage, carriers) ? undefined : baggage);
  return runInContext(
    flow === undefined ? withoutFlowType(carried, carriers) : withFlowType(carried, flow, carriers),
    fn,
  );
}

/** Runs `fn` in what was accepted of a message. */
export function inAdmitted<T>(
  coloring: Pick<Coloring, 'carriers'>,
  { headers, flow, isRefused }: Pick<Admitted<object>, 'headers' | 'flow' | 'isRefused'>,
  fn: () => T,
): T {
  return isRefused ? runInRefusal(coloring, headers, fn) : runInFlow(coloring, headers, flow, fn);
}

/**
 * Runs `fn` in no color for a message whose flow type does not count; what is copied from elsewhere into calls and messages
 * is sent without one, too. The rest of its baggage stays.
 *
 * @param headers without the flow type.
 */
function runInRefusal<T>(
  { carriers }: Pick<Coloring, 'carriers'>,
  headers: MessageHeaders | undefined,
  fn: () => T,
): T {
  const carried = withBaggage(withoutRefusedCarriers(activeContext()), messageBaggage(headers));
  return runInContext(withRefusedCarriers(carried, carriers), fn);
}

/** Whether the baggage has the flow type alone, as we write it: then the context gets it without parsing. */
function isSaidBy(
  flow: FlowType | undefined,
  baggage: string | undefined,
  { baggageKeys: [key] }: CarrierNames,
): boolean {
  if (flow === undefined || baggage === undefined) return false;
  return (
    baggage.length === key.length + 1 + flow.text.length &&
    baggage.startsWith(key) &&
    baggage.endsWith(flow.text) &&
    baggage[key.length] === '='
  );
}

function withBaggage(outer: Context, baggage: string | undefined): Context {
  if (baggage !== undefined) return propagation.setBaggage(outer, parseBaggage(baggage));
  return propagation.getBaggage(outer) === undefined ? outer : propagation.deleteBaggage(outer);
}

/**
 * Runs `fn`, which handles messages, outside of a request that happens to be active where the client calls, and whose carriers were
 * not accepted: what is copied from a message keeps its color. For who runs no message in its context.
 */
export function runOutsideRefusal<T>(fn: () => T): T {
  const active = activeContext();
  const context = withoutRefusedCarriers(active);
  return context === active ? fn() : runInContext(context, fn);
}

/**
 * Runs `fn` in the color of a message that was taken by hand: `channel.get` of amqplib, a batch of kafkajs.
 *
 *     const message = await channel.get('orders');
 *     if (message) await inMessageContext(message, () => handle(message));
 */
export function inMessageContext<T>(message: MessageWithHeaders, fn: () => T): T {
  const headers = message.properties === undefined ? message.headers : message.properties.headers;
  return runInMessageContext({ carriers: carrierNames() }, headers, fn);
}

/** A message of amqplib (`properties.headers`) or of kafkajs (`headers`). */
export interface MessageWithHeaders {
  readonly headers?: MessageHeaders | undefined;
  readonly properties?: { readonly headers?: MessageHeaders | undefined };
}
