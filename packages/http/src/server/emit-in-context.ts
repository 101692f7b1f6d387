import type { EventEmitter } from 'node:events';
import type { Context } from '@opentelemetry/api';
import { enteredContext, enterOnEmit } from '../context/enter-on-emit.js';
import type { RawResponse } from './raw.js';

type Emitter = EventEmitter & { [SERVING]?: Serving };

interface Serving {
  readonly context: Context;
  readonly response: RawResponse;
}

const SERVING = Symbol('colorway.serving');

/**
 * Lets the listeners of one request or response run in its context. Node emits `data`, `end`, `finish`
 * and `close` from the connection, whose async context is not the request's. The first listener that is
 * added from now on gives the emitter an own `emit` that enters the context; until then there are only shared
 * functions on it. (`context.bind(emitter)` makes seven functions, and one for each listener.)
 */
export function emitInContext(context: Context, response: RawResponse, emitter: Emitter): void {
  unbind(emitter);
  emitter[SERVING] = { context, response };
  const isEntered = enteredContext(emitter) !== undefined;
  if (isEntered || emitter.on !== (Object.getPrototypeOf(emitter) as EventEmitter).on) {
    enterOnEmit(emitter, context); // somebody else has put methods there: leave them
    return;
  }
  emitter.on = on;
  emitter.addListener = addListener;
  emitter.prependListener = prependListener;
}

/** The context in which a request or a response is served, if it has one. */
export function servingContext(emitter: Emitter): Context | undefined {
  return emitter[SERVING]?.context;
}

// `once` and `prependOnceListener` call these.
const on = firstListener('on');
const addListener = firstListener('addListener');
const prependListener = firstListener('prependListener');

function firstListener(method: 'on' | 'addListener' | 'prependListener'): EventEmitter['on'] {
  return function first(this: Emitter, event, listener) {
    const prototype = Object.getPrototypeOf(this) as EventEmitter;
    const serving = this[SERVING];
    // When all is sent, Node itself begins to listen for the end of a body that nobody read.
    if (serving !== undefined && serving.response.writableFinished !== true) {
      this.on = prototype.on;
      this.addListener = prototype.addListener;
      this.prependListener = prototype.prependListener;
      enterOnEmit(this, serving.context);
    }
    return prototype[method].call(this, event, listener) as typeof this;
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
