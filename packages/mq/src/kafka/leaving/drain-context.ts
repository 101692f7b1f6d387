import { activeContext, runInContext } from '@colorway/core';
import { createContextKey } from '@opentelemetry/api';

const DRAIN = createContextKey('colorway.mq.drain');

/** The drain that a handler runs for. */
export interface ActiveDrain {
  /** The colored group, as the broker knows it. */
  readonly brokerGroup: string;
}

/**
 * Runs the handler of a baseline consumer for a message that it drains for a color. The message belongs to
 * another group, so a commit that the handler makes must reach that one and not its own consumer's.
 */
export function runInDrain<T>(drain: ActiveDrain, fn: () => T): T {
  return runInContext(activeContext().setValue(DRAIN, drain), fn);
}

export function activeDrain(): ActiveDrain | undefined {
  return activeContext().getValue(DRAIN) as ActiveDrain | undefined;
}
