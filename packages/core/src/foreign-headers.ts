import { hasBaggageKey } from './baggage.js';
import type { CarrierNames } from './carrier-names.js';

/*
 * Where other propagators than W3C's carry baggage members: Jaeger in `uberctx-<key>` and in `jaeger-baggage`, which is
 * written like W3C's header, OpenTracing's in `ot-baggage-<key>`, Sleuth's in `baggage-<key>` and `baggage_<key>`. We send
 * none of them, and read none: but a service behind us may. Message properties are no headers, until somebody copies the
 * headers of a request into a message.
 */

/** One header with many members, in the syntax of W3C's. */
export const JAEGER_BAGGAGE = 'jaeger-baggage';

const PREFIXES = ['uberctx-', 'ot-baggage-', 'baggage-', 'baggage_'];

const known = new WeakMap<CarrierNames, readonly string[]>();

/**
 * Headers (in lower case) in which other propagators may carry our member: {@link JAEGER_BAGGAGE}, those with a prefix, and
 * headers named like our message properties.
 */
export function foreignHeaders(names: CarrierNames): readonly string[] {
  let found = known.get(names);
  if (found === undefined) {
    const keys = names.baggageKeys.map((key) => key.toLowerCase());
    const properties = names.messageProperties.map((name) => name.toLowerCase());
    found = [JAEGER_BAGGAGE, ...properties, ...PREFIXES.flatMap((prefix) => keys.map((key) => prefix + key))];
    known.set(names, found);
  }
  return found;
}

/** Whether a header of one of {@link foreignHeaders} says a flow type with this value. */
export function saysForeign(name: string, value: string, { baggageKeys }: CarrierNames): boolean {
  return name !== JAEGER_BAGGAGE || hasBaggageKey(value, baggageKeys);
}
