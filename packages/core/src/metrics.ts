import {
  type Attributes,
  type Counter,
  createNoopMeter,
  type MeterProvider,
  metrics,
} from '@opentelemetry/api';

/** The counters of every package, by the names that they have in a metrics backend. */
export type CounterName =
  /** Routing decisions; attributes `coloring.service`, `coloring.kind`, `coloring.reason`. */
  | 'coloring.decisions'
  /** Requests whose flow type was invalid; attribute `coloring.action`: `ignore` or `refuse`. */
  | 'coloring.flow_type.invalid'
  /** Flow types that the edge policy did not accept. */
  | 'coloring.flow_type.rejected'
  /** Outgoing calls that have probably lost their color. */
  | 'coloring.context.lost'
  /** Further attempts after a connection failure; attribute `coloring.service`. */
  | 'coloring.retries'
  /** Instances taken out for a while after consecutive failures; attribute `coloring.service`. */
  | 'coloring.ejections'
  /** Messages of other colors that a consumer passed over; attributes `coloring.group`, `coloring.topic`. */
  | 'coloring.mq.skipped'
  /** Partitions that began to wait for a message's owner; attributes as above, and `coloring.reason`. */
  | 'coloring.mq.waiting'
  /** Changes in the hand-over of a color's messages; attributes as above, `coloring.color` and `coloring.step`. */
  | 'coloring.mq.handover';

/** Adds to a counter of the registered MeterProvider; with none, does nothing. */
export function count(name: CounterName, attributes?: Attributes, by = 1): void {
  counter(name)?.add(by, attributes);
}

/** Whether anybody counts: spares the caller an attributes object. */
export function isCounting(): boolean {
  return counters() !== undefined;
}

/* The metrics API has no proxy: a counter made before the provider is registered stays silent for ever. */
let provider: MeterProvider | undefined;
let byName: Map<CounterName, Counter> | undefined;

function counters(): Map<CounterName, Counter> | undefined {
  const registered = metrics.getMeterProvider();
  if (registered !== provider) {
    provider = registered;
    byName = registered.getMeter('@colorway/core') === createNoopMeter() ? undefined : new Map();
  }
  return byName;
}

function counter(name: CounterName): Counter | undefined {
  const known = counters();
  if (known === undefined || provider === undefined) return undefined;
  let found = known.get(name);
  if (found === undefined) {
    found = provider.getMeter('@colorway/core').createCounter(name);
    known.set(name, found);
  }
  return found;
}
