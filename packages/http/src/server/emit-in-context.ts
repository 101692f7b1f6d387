import type { EventEmitter } from 'node:events';
import { activeContext, runInContext } from '@colorway/core';
import type { Context } from '@opentelemetry/api';

/**
 * Lets the listeners of one request or response run in its context. Node emits `data`, `end`, `finish`
 * and `close` from the connection, whose async context is not the request's. An `emit` of its own enters the
 * context for events that somebody listens to; `context.bind(emitter)` would wrap each of seven methods.
 */
export function emitInContext(context: Context, emitter: EventEmitter): void {
  unbind(emitter);
  const { emit } = emitter;
  emitter.emit = function emitHere(this: EventEmitter, ...event: Parameters<EventEmitter['emit']>): boolean {
    if (this.listenerCount(event[0]) === 0 || activeContext() === context) return emit.apply(this, event);
    return runInContext(context, () => emit.apply(this, event));
  };
}

/**
 * OpenTelemetry's http instrumentation binds both emitters to the context that it extracted, which lacks a color
 * that came in the flow header alone, and still has one that the policy did not accept. Its listeners stay bound;
 * later ones get ours, which is made from it. The removing methods stay patched, for the listeners that are there.
 * Overwritten and not deleted: a deleted property makes every later access to the object slow.
 */
function unbind(emitter: EventEmitter): void {
  if (!Object.hasOwn(emitter, 'on') || !isBound(emitter)) return;
  const prototype = Object.getPrototypeOf(emitter) as EventEmitter;
  for (const method of ADDING_METHODS) emitter[method] = prototype[method];
}

const ADDING_METHODS = ['addListener', 'on', 'once', 'prependListener', 'prependOnceListener'] as const;

/** Each context manager marks what it has bound with a symbol of its own; a process has one manager, rarely more. */
let mark: symbol | undefined;

function isBound(emitter: EventEmitter): boolean {
  if (mark !== undefined && mark in emitter) return true;
  const found = Object.getOwnPropertySymbols(emitter).find(
    ({ description }) => description === 'OtListeners',
  );
  mark = found ?? mark;
  return found !== undefined;
}
