import {
  activeContext,
  type CarrierNames,
  holdsUntrusted,
  refusesCarriers,
  withoutFlowType,
} from '@colorway/core';
import type { Context } from '@opentelemetry/api';

/**
 * The context to send a message without a flow type in, where somebody has brought one that was not accepted: what an instrumentation
 * writes into its headers then says none, and all else that the active one has. `undefined` elsewhere: it is sent as it is.
 */
export function uncoloredContext(carriers: CarrierNames): Context | undefined {
  const active = activeContext();
  return refusesCarriers(active) || holdsUntrusted(active, carriers)
    ? withoutFlowType(active, carriers)
    : undefined;
}
