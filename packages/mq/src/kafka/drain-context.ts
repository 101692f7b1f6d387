import { activeContext, runInContext } from '@colorway/core';
import { createContextKey } from '@opentelemetry/api';

const DRAIN = createContextKey('colorway.mq.drain');

/**
 * Runs the handler of a baseline consumer for a message that it drains for a color. The message belongs to
 * another group, so a commit that the handler makes on its own consumer must not reach that one's group.
 */
export function runInDrain<T>(fn: () => T): T {
  return runInContext(activeContext().setValue(DRAIN, true), fn);
}

export function inDrain(): boolean {
  return activeContext().getValue(DRAIN) === true;
}
