import { processState } from './process-state.js';

/*
 * Where OpenTelemetry runs, the baggage of a request stands in the context before any middleware has looked at it. Behind an
 * edge that is right; at the edge it would let whoever asks choose in which color an authentication check works.
 */

/** Whether a color counts that only an instrumentation has put into the context. */
export function trustsBaggage(): boolean {
  const { trustsBaggage, hasPolicy } = processState();
  return trustsBaggage ?? hasPolicy !== true;
}

/** Says so for this process; with `undefined`, baggage is trusted as long as no middleware has a policy. */
export function trustBaggage(trust: boolean | undefined): void {
  const state = processState();
  if (trust === undefined) delete state.trustsBaggage;
  else state.trustsBaggage = trust;
}

/** Says that a middleware of this process decides who may set a color. */
export function notePolicy(): void {
  processState().hasPolicy = true;
}
