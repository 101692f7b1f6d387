import type { EventEmitter } from 'node:events';
import { activeContext, runInContext } from '@colorway/core';
import type { Context } from '@opentelemetry/api';

/**
 * Lets the listeners of one request or response run in its context. Node emits `data`, `end`, `finish`
 * and `close` from the connection, whose async context is not the request's. The first listener that is
 * added from now on gives the emitter an own `emit` that enters the context: a request to which nobody listens
 * pays for one listener, where `context.bind(emitter)` would wrap each of seven methods.
 */
export function emitInContext(context: Context, emitter: EventEmitter): void {
  unbind(emitter);
  emitter.on('newListener', function enter(this: EventEmitter): void {
    this.removeListener('newListener', enter);
    const { emit } = this;
    this.emit = function (this: EventEmitter, ...event: Parameters<EventEmitter['emit']>): boolean {
      if (activeContext() === context) return emit.apply(this, event);
      return runInContext(context, () => emit.apply(this, event));
    };
  });
}

/**
 * OpenTelemetry's http instrumentation binds both emitters to the context that it extracted, which lacks a color
 * that came in the flow header alone, and still has one that the policy did not accept. Its listeners stay bound;
 * later ones get ours, which is made from it. The removing methods stay patched, for the listeners that are there.
 */
function unbind(emitter: EventEmitter): void {
  if (!Object.hasOwn(emitter, 'on')) return;
  if (!Object.getOwnPropertySymbols(emitter).some(({ description }) => description === 'OtListeners')) return;
  for (const method of ADDING_METHODS) delete (emitter as Partial<EventEmitter>)[method];
}

const ADDING_METHODS = ['addListener', 'on', 'once', 'prependListener', 'prependOnceListener'] as const;
