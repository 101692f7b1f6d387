import { context, ROOT_CONTEXT } from '@opentelemetry/api';
import { suppressTracing } from '@opentelemetry/core';
import { processState } from './process-state.js';

const UNTRACED = suppressTracing(ROOT_CONTEXT);

/**
 * Runs Colorway's own traffic (heartbeats, watches, transactions) where OpenTelemetry's instrumentations make no
 * spans of it, and outside of any request: it belongs to none, and carries no color.
 */
export function runUntraced<T>(fn: () => T): T {
  /* Where nobody has set up a context manager there are no spans either: no reason to ask for one. */
  const own = processState().ownContextManager;
  return own === undefined ? context.with(UNTRACED, fn) : own.with(UNTRACED, fn);
}
