import type { EventEmitter } from 'node:events';
import { activeContext, runInContext } from '@colorway/core';
import type { Context } from '@opentelemetry/api';

type Entering = EventEmitter & { [ENTERED]?: Context };

/** `Symbol.for`, so that two copies of this package enter one context and not one inside the other. */
const ENTERED = Symbol.for('colorway.entered');

/** The context that the listeners of an emitter are run in, if {@link enterOnEmit} has said one. */
export function enteredContext(emitter: EventEmitter): Context | undefined {
  return Object.hasOwn(emitter, ENTERED) ? (emitter as Entering)[ENTERED] : undefined;
}

/** Has every listener of an emitter run in a context, whoever emits; in this one from now on, where it was another. */
export function enterOnEmit(emitter: Entering, context: Context): void {
  const isEntered = enteredContext(emitter) !== undefined;
  emitter[ENTERED] = context;
  if (isEntered) return;
  const { emit } = emitter;
  emitter.emit = function (this: EventEmitter, ...event: Parameters<EventEmitter['emit']>): boolean {
    const entered = emitter[ENTERED] ?? context;
    if (activeContext() === entered) return emit.apply(this, event);
    return runInContext(entered, () => emit.apply(this, event));
  };
}
