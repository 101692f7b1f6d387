import { activeContext, type Color, joinedValues, lastValue, runInContext } from '@colorway/core';
import {
  type Context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  type TextMapGetter,
  trace,
} from '@opentelemetry/api';
import type { HeadersLike } from '../client-types.js';

/** Whether somebody traces the batch that is being handled: an instrumentation of the client, as a rule. */
export function isTraced(): boolean {
  return trace.getSpan(activeContext()) !== undefined;
}

export interface HandledMessage {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly headers: HeadersLike | undefined;
  /** The group at the broker. */
  readonly group: string;
  readonly color: Color | undefined;
  /** Why it is this group's. */
  readonly reason: string;
}

/**
 * Runs a handler in a span of its own, in the trace of the message's sender, as an instrumentation of
 * `eachMessage` would: what the client runs is a batch, whose span has many senders.
 */
export async function inMessageSpan(message: HandledMessage, handle: () => Promise<void>): Promise<void> {
  const { topic, partition, offset, headers, group, color, reason } = message;
  const outer = activeContext();
  const attributes = {
    'messaging.system': 'kafka',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    'messaging.kafka.offset': Number(offset),
    'messaging.consumer.group.name': group,
    'coloring.group': group,
    'coloring.kind': 'own',
    'coloring.reason': reason,
    ...(color !== undefined && { 'coloring.color': color }),
  };
  const span = trace
    .getTracer('@colorway/mq')
    .startSpan(`process ${topic}`, { kind: SpanKind.CONSUMER, attributes }, senderOf(outer, headers));
  try {
    await runInContext(trace.setSpan(outer, span), handle);
  } catch (error) {
    span.recordException(error as Error);
    span.setStatus({ code: SpanStatusCode.ERROR });
    throw error;
  } finally {
    span.end();
  }
}

/** Without the span of the batch, and with the sender's where the headers name one. */
function senderOf(outer: Context, headers: HeadersLike | undefined): Context {
  const sender = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, headers ?? {}, GETTER));
  return sender === undefined ? trace.deleteSpan(outer) : trace.setSpanContext(outer, sender);
}

const GETTER: TextMapGetter<HeadersLike> = {
  keys: (headers) => Object.keys(headers),
  get: (headers, key) => {
    const value = Object.hasOwn(headers, key) ? headers[key] : undefined;
    return key === 'traceparent' ? lastValue(value) : joinedValues(value);
  },
};
