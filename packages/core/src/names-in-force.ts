import { type CarrierNames, DEFAULT_CARRIER_NAMES } from './carrier-names.js';
import { processState } from './process-state.js';

/** The names in force in this process: those of the last `createColoring`, or the defaults. */
export function carrierNames(): CarrierNames {
  return processState().names ?? DEFAULT_CARRIER_NAMES;
}

/** Sets the names that context functions and the propagator use in this process. */
export function useCarrierNames(chosen: CarrierNames): void {
  processState().names = chosen;
}
