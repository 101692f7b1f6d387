import {
  type Context,
  propagation,
  type TextMapGetter,
  type TextMapPropagator,
  type TextMapSetter,
} from '@opentelemetry/api';
import { formatBaggage, formatMembers, parseBaggage } from './baggage.js';
import { withoutKeys } from './baggage-key.js';
import { trustsBaggage } from './baggage-trust.js';
import type { CarrierNames } from './carrier-names.js';
import { flowTypeIn, untrustedBaggage, withFlowType } from './context.js';
import { readIncoming } from './incoming.js';
import { carrierNames } from './names-in-force.js';

const BAGGAGE = 'baggage';

/**
 * Carries the flow type through OpenTelemetry's own instrumentations, as header and as baggage member.
 * Put it behind W3C trace context and baggage; alone it keeps every other baggage member too:
 *
 *     new CompositePropagator({ propagators: [
 *       new W3CTraceContextPropagator(), new W3CBaggagePropagator(), new ColoringPropagator()] })
 */
export class ColoringPropagator implements TextMapPropagator {
  readonly #names: CarrierNames | undefined;

  /** @param names default: those of the process, which `createColoring` sets. */
  constructor(names?: CarrierNames) {
    this.#names = names;
  }

  inject(context: Context, carrier: unknown, setter: TextMapSetter): void {
    const names = this.#names ?? carrierNames();
    const flow = flowTypeIn(context, names);
    if (flow === undefined) {
      const baggage = untrustedBaggage(context, names);
      // What W3C's propagator has written before, without the color that does not count.
      if (baggage !== undefined)
        setter.set(carrier, BAGGAGE, formatMembers(withoutKeys(baggage, names.baggageKeys)));
      return;
    }
    setter.set(carrier, names.headers[0], flow.text);
    const member = { key: names.baggageKeys[0], value: flow.text };
    setter.set(carrier, BAGGAGE, formatBaggage(propagation.getBaggage(context), member));
  }

  extract(context: Context, carrier: unknown, getter: TextMapGetter): Context {
    const names = this.#names ?? carrierNames();
    const incoming = readIncoming((name) => getter.get(carrier, name), names);
    if (incoming.kind !== 'flow') return context;
    const carried = withIncomingBaggage(context, getter.get(carrier, BAGGAGE));
    if (trustsBaggage()) return withFlowType(carried, incoming.flow, names);
    // As any instrumentation leaves it: the middleware decides, or the message.
    const members = propagation.getBaggage(carried) ?? propagation.createBaggage();
    const member = { value: incoming.flow.text };
    return propagation.setBaggage(
      carried,
      withoutKeys(members, names.baggageKeys).setEntry(names.baggageKeys[0], member),
    );
  }

  fields(): string[] {
    const names = this.#names ?? carrierNames();
    return [...names.headers, BAGGAGE];
  }
}

/** The members that came in the header, unless somebody has read them already. */
export function withIncomingBaggage(
  context: Context,
  header: string | readonly string[] | undefined,
): Context {
  if (header === undefined || propagation.getBaggage(context) !== undefined) return context;
  return propagation.setBaggage(
    context,
    parseBaggage(typeof header === 'string' ? header : header.join(',')),
  );
}
