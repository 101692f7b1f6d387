import {
  activeContext,
  activeFlowType,
  type CarrierNames,
  type Coloring,
  carrierNames,
  parseBaggage,
  runInContext,
  withFlowType,
  withoutFlowType,
} from '@colorway/core';
import { propagation } from '@opentelemetry/api';
import { type MessageHeaders, messageBaggage, messageFlow } from './message-color.js';

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
  return runIn(coloring.carriers, headers, fn);
}

/**
 * Runs `fn` in the color of a message that was taken by hand: `channel.get` of amqplib, a batch of kafkajs.
 *
 *     const message = await channel.get('orders');
 *     if (message) await inMessageContext(message, () => handle(message));
 */
export function inMessageContext<T>(message: MessageWithHeaders, fn: () => T): T {
  return runIn(
    carrierNames(),
    message.properties === undefined ? message.headers : message.properties.headers,
    fn,
  );
}

/** A message of amqplib (`properties.headers`) or of kafkajs (`headers`). */
export interface MessageWithHeaders {
  readonly headers?: MessageHeaders | undefined;
  readonly properties?: { readonly headers?: MessageHeaders | undefined };
}

function runIn<T>(names: CarrierNames, headers: MessageHeaders | undefined, fn: () => T): T {
  const flow = messageFlow(headers, names);
  const baggage = messageBaggage(headers);
  const outer = activeContext();
  // Most messages have no color and come where none is active: they enter no context.
  if (flow === undefined && baggage === undefined) {
    if (activeFlowType() === undefined && propagation.getBaggage(outer) === undefined) return fn();
    return runInContext(propagation.deleteBaggage(withoutFlowType(outer, names)), fn);
  }
  const carried =
    baggage === undefined
      ? propagation.deleteBaggage(outer)
      : propagation.setBaggage(outer, parseBaggage(baggage));
  return runInContext(
    flow === undefined ? withoutFlowType(carried, names) : withFlowType(carried, flow, names),
    fn,
  );
}
