import type { EventEmitter } from 'node:events';
import { activeContext, runInContext } from '@colorway/core';
import type { Context } from '@opentelemetry/api';

/** Has every listener of an emitter run in a context, whoever emits. */
export function enterOnEmit(emitter: EventEmitter, context: Context): void {
  const { emit } = emitter;
  emitter.emit = function (this: EventEmitter, ...event: Parameters<EventEmitter['emit']>): boolean {
    if (activeContext() === context) return emit.apply(this, event);
    return runInContext(context, () => emit.apply(this, event));
  };
}
