import { type Context, context, ROOT_CONTEXT } from '@opentelemetry/api';
import { processState } from './process-state.js';
import { warnOnce } from './warn-once.js';

/*
 * The one door to the asynchronous context: OpenTelemetry's context manager, whoever registered it, or
 * Colorway's own where the API cannot be used (two copies; see `setup`). There is never a second
 * AsyncLocalStorage beside OpenTelemetry's: each costs every await of the process.
 */

/** The context of the work that is running: `ROOT_CONTEXT` itself outside any, whichever copy of the API the manager has. */
export function activeContext(): Context {
  const { ownContextManager: own, managersRoot } = processState();
  const active = own === undefined ? context.active() : own.active();
  return active === managersRoot ? ROOT_CONTEXT : active;
}

/** Runs `fn` in a context and returns what it returns. The context ends with `fn` and all that it starts. */
export function runInContext<T>(entered: Context, fn: () => T): T {
  prepareOnce();
  const own = processState().ownContextManager;
  return own === undefined ? context.with(entered, fn) : own.with(entered, fn);
}

/** Binds a function to a context, or an emitter, so that its listeners run there. Returns the same kind of thing. */
export function bindToContext<T>(bound: Context, target: T): T {
  prepareOnce();
  const own = processState().ownContextManager;
  return own === undefined ? context.bind(bound, target) : own.bind(bound, target);
}

/** Whether a value put into a context is seen inside it: false with no context manager at all. */
export function contextWorks(): boolean {
  const own = processState().ownContextManager;
  if (own !== undefined) return true;
  const probe = context.active().setValue(PROBE, true);
  return context.with(probe, () => context.active().getValue(PROBE) === true);
}

const PROBE = Symbol.for('colorway.probe');

function prepareOnce(): void {
  const state = processState();
  if (state.prepared) return;
  state.prepared = true;
  state.prepare?.();
  if (contextWorks()) return;
  state.prepared = false;
  warnOnce(
    'COLORWAY_NO_CONTEXT_MANAGER',
    'No context manager is registered, so a color cannot follow asynchronous calls. Call createColoring() before the first request.',
  );
}
