import {
  type Baggage,
  type BaggageEntry,
  type Context,
  createContextKey,
  propagation,
  ROOT_CONTEXT,
} from '@opentelemetry/api';
import { activeContext, bindToContext, runInContext } from './active-context.js';
import { hasKey, withoutKeys } from './baggage-key.js';
import { trustsBaggage } from './baggage-trust.js';
import type { CarrierNames } from './carrier-names.js';
import type { Color } from './color.js';
import { colorOf, type FlowType, flowTypeOfColor, parseFlowType } from './flow-type.js';
import { FLOW_TYPE, FlowContext, LayeredContext } from './layered-context.js';
import { carrierNames } from './names-in-force.js';

/**
 * The flow type in a context: what Colorway put there, else the baggage member that another
 * instrumentation extracted, as far as that is trusted. Ours goes first because an application may replace its whole baggage.
 */
export function flowTypeIn(context: Context, names: CarrierNames = carrierNames()): FlowType | undefined {
  const ours = context.getValue(FLOW_TYPE) as FlowType | null | undefined;
  if (ours !== undefined) return ours ?? undefined;
  const member = memberIn(context, names);
  return member !== undefined && trustsBaggage() ? parseFlowType(member.value, names) : undefined;
}

/** The same, no matter who put it there: for the policy that decides whether it counts. */
export function extractedFlowType(
  context: Context,
  names: CarrierNames = carrierNames(),
): FlowType | undefined {
  const ours = context.getValue(FLOW_TYPE) as FlowType | null | undefined;
  if (ours !== undefined) return ours ?? undefined;
  const member = memberIn(context, names);
  return member && parseFlowType(member.value, names);
}

function memberIn(context: Context, { baggageKeys }: CarrierNames): BaggageEntry | undefined {
  const baggage = propagation.getBaggage(context);
  if (baggage === undefined) return undefined;
  for (const key of baggageKeys) {
    const member = baggage.getEntry(key);
    if (member !== undefined) return member;
  }
  return undefined;
}

/** A context with this flow type, as value and as baggage member; every other baggage member stays. */
export function withFlowType(
  context: Context,
  flow: FlowType,
  names: CarrierNames = carrierNames(),
): Context {
  return new FlowContext(context, flow, names.baggageKeys);
}

/** A context without any flow type: no value, no baggage member. */
export function withoutFlowType(context: Context, names: CarrierNames = carrierNames()): Context {
  const cleared = context.setValue(FLOW_TYPE, null);
  const baggage = propagation.getBaggage(context);
  return baggage === undefined
    ? cleared
    : propagation.setBaggage(cleared, withoutKeys(baggage, names.baggageKeys));
}

/** `createContextKey` is `Symbol.for`, so two copies of this package agree on it. */
const REFUSED = createContextKey('colorway.refused-carriers');

/**
 * A context for a request whose carriers were not accepted: it has no flow type, and what is copied from the request's
 * headers into calls and messages is sent without one.
 */
export function withRefusedCarriers(context: Context, names: CarrierNames = carrierNames()): Context {
  return new LayeredContext(withoutFlowType(context, names), REFUSED, true);
}

/** The same context for work that is not that request's, as the handling of a message is not in whose context its client was made. */
export function withoutRefusedCarriers(context: Context): Context {
  return refusesCarriers(context) ? new LayeredContext(context, REFUSED, false) : context;
}

/** Whether the work that is running serves a request whose carriers were not accepted. */
export function refusesCarriers(context: Context = activeContext()): boolean {
  return context !== ROOT_CONTEXT && context.getValue(REFUSED) === true;
}

/** Of a context without a flow type: the baggage in which instrumentations would send one that does not count here. */
export function untrustedBaggage(context: Context, names: CarrierNames): Baggage | undefined {
  if (context === ROOT_CONTEXT) return undefined;
  const baggage = propagation.getBaggage(context);
  return baggage !== undefined && hasKey(baggage, names.baggageKeys) ? baggage : undefined;
}

/** Whether there is {@link untrustedBaggage} in a context, which may have a flow type. */
export function holdsUntrusted(context: Context, names: CarrierNames): boolean {
  return flowTypeIn(context, names) === undefined && untrustedBaggage(context, names) !== undefined;
}

/**
 * The baggage to send beside a flow type that the header states anyway; its own color member may be missing or out of
 * date. Spares making the member for a context that has nothing else.
 */
export function baggageBeside(context: Context): Baggage | undefined {
  return context instanceof FlowContext ? context.otherBaggage : propagation.getBaggage(context);
}

/** The flow type of the work that is running; `undefined` outside any. */
export function activeFlowType(): FlowType | undefined {
  return flowTypeIn(activeContext());
}

/** The color of the work that is running; `undefined` where it has none. */
export function activeColor(): Color | undefined {
  return colorOf(activeFlowType());
}

/**
 * Runs `fn` in a color, or, with `undefined`, in none; returns what it returns. Everything that `fn`
 * starts stays in that color: promises, timers, streams.
 *
 * @throws ColorwayError `COLORWAY_INVALID_COLOR`
 */
export function withColor<T>(color: Color | undefined, fn: () => T): T {
  const context = activeContext();
  return runInContext(
    color === undefined ? withoutFlowType(context) : withFlowType(context, flowTypeOfColor(color)),
    fn,
  );
}

/**
 * Runs `fn` in no request's context, without color, trace or baggage, and returns what it returns: for what a request
 * happens to start and that outlives it, or serves others too: a timer that is started when it is first needed, a
 * connection of a pool, a shared look-up. Everything that `fn` starts stays outside.
 */
export function detached<T>(fn: () => T): T {
  return activeContext() === ROOT_CONTEXT ? fn() : runInContext(ROOT_CONTEXT, fn);
}

/**
 * Ties a function, or an event emitter's listeners, to the color that is active now, for where
 * something else will call them: a queue that another task drains, an emitter that is fired elsewhere.
 */
export function bind<T>(target: T): T {
  return bindToContext(activeContext(), target);
}
