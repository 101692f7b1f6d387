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
  /** Requests without a valid signature; attributes `coloring.reason`, `coloring.action`: `ignore` or `refuse`. */
  | 'coloring.auth.failed'
  /** Requests that wanted another instance, and were answered 421 before the application ran. */
  | 'coloring.misdirected'
  /** Outgoing calls that have probably lost their color. */
  | 'coloring.context.lost'
  /** Colored calls that left the services, to a host that is nearly one; attribute `coloring.service`. */
  | 'coloring.nearly_routed'
  /** Colored outgoing calls more than a minute after the request was answered whose color they have; attribute `coloring.service`. */
  | 'coloring.context.stale'
  /** Further attempts after a connection failure; attribute `coloring.service`. */
  | 'coloring.retries'
  /** Instances taken out for a while after consecutive failures; attribute `coloring.service`. */
  | 'coloring.ejections'
  /** Answers of instances that are others than the directory said; attribute `coloring.service`. */
  | 'coloring.misdirected'
  /** Messages of other colors that a consumer passed over; attributes `coloring.group`, `coloring.topic`. */
  | 'coloring.mq.skipped'
  /** Messages that a consumer's handlers got; attributes as above. */
  | 'coloring.mq.handled'
  /** Messages of a color that left, given up by request; attributes as above, and `coloring.color`. */
  | 'coloring.mq.discarded'
  /** Changes in the hand-over of a color's messages; attributes as above, `coloring.color` and `coloring.step`. */
  | 'coloring.mq.handover';

/** The gauges of every package. */
export type GaugeName =
  /** Partitions and queues that wait now; attributes `coloring.group`, `coloring.topic`, `coloring.reason`. */
  'coloring.mq.waiting';

/** Tells the values that a gauge has now, each with its attributes. */
export type GaugeReading = (told: (value: number, attributes: Attributes) => void) => void;

/** Adds to a counter of the registered MeterProvider; with none, does nothing. */
export function count(name: CounterName, attributes?: Attributes, by = 1): void {
  counter(name)?.add(by, attributes);
}

/** Whether anybody counts: spares the caller an attributes object. */
export function isCounting(): boolean {
  return counters() !== undefined;
}

/**
 * Has a gauge of the registered MeterProvider read when that collects. With a provider that is registered
 * later it begins with the next {@link count}. Returns how to stop it.
 */
export function observe(name: GaugeName, reading: GaugeReading): () => void {
  const own = { name, reading };
  readings.add(own);
  counters();
  attach(name);
  return () => readings.delete(own);
}

const readings = new Set<{ readonly name: GaugeName; readonly reading: GaugeReading }>();
const attached = new Set<GaugeName>();

/** One gauge of each name and provider, however many read it. */
function attach(name: GaugeName): void {
  if (provider === undefined || byName === undefined || attached.has(name)) return;
  attached.add(name);
  const own = provider;
  const gauge = provider.getMeter('@colorway/core').createObservableGauge(name);
  gauge.addCallback((result) => {
    if (own !== provider) return;
    for (const one of readings) {
      if (one.name === name) one.reading((value, attributes) => result.observe(value, attributes));
    }
  });
}

/* The metrics API has no proxy: a counter made before the provider is registered stays silent for ever. */
let provider: MeterProvider | undefined;
let byName: Map<CounterName, Counter> | undefined;

function counters(): Map<CounterName, Counter> | undefined {
  const registered = metrics.getMeterProvider();
  if (registered !== provider) {
    provider = registered;
    byName = registered.getMeter('@colorway/core') === createNoopMeter() ? undefined : new Map();
    attached.clear();
    for (const { name } of readings) attach(name);
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
