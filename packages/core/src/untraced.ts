import { context, createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { processState } from './process-state.js';

/** As `suppressTracing` of @opentelemetry/core says it; a key is the same symbol in every copy. */
const SUPPRESS = createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING');
const UNTRACED = ROOT_CONTEXT.setValue(SUPPRESS, true);

/**
 * Runs Colorway's own traffic (heartbeats, watches, transactions) where OpenTelemetry's instrumentations make no
 * spans of it, and outside of any request: it belongs to none, and carries no color.
 */
export function runUntraced<T>(fn: () => T): T {
  /* Where nobody has set up a context manager there are no spans either: no reason to ask for one. */
  const own = processState().ownContextManager;
  return own === undefined ? context.with(UNTRACED, fn) : own.with(UNTRACED, fn);
}
