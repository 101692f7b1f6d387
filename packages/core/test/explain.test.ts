import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { context, metrics, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import {
  count,
  DECISION_CHANNEL,
  type DecisionEvent,
  explain,
  type Instance,
  runInContext,
  Trail,
  withTrail,
} from '../src/index.js';

const instance: Instance = {
  id: 'i',
  service: 'order',
  host: '10.0.0.7',
  port: 3001,
  secure: false,
  weight: 1,
  metadata: {},
  startedAt: 0,
  color: 'red',
};
const event: DecisionEvent = {
  caller: 'gateway',
  service: 'order',
  color: 'red',
  kind: 'colored',
  reason: 'colored',
  instance,
  attempt: 2,
};

beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
});
afterAll(() => {
  context.disable();
  metrics.disable();
});

it('tells nobody without harm', () => {
  expect(() => explain(event)).not.toThrow();
});

it('to the trail of the request', () => {
  const trail = new Trail();
  runInContext(withTrail(ROOT_CONTEXT, trail), () => explain(event));
  expect(trail.toServerTiming()).toBe('order;desc="red 10.0.0.7:3001 colored"');
});

it('to diagnostics_channel', () => {
  const heard: unknown[] = [];
  const listen = (message: unknown) => heard.push(message);
  subscribe(DECISION_CHANNEL, listen);
  explain(event);
  unsubscribe(DECISION_CHANNEL, listen);
  explain(event);
  expect(heard).toEqual([event]);
});

it('to the active span, if it is recorded', () => {
  const exporter = new InMemorySpanExporter();
  const tracer = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).getTracer(
    'test',
  );
  const span = tracer.startSpan('request');
  runInContext(trace.setSpan(ROOT_CONTEXT, span), () => {
    explain(event);
    explain({ ...event, kind: 'unavailable', reason: 'member-down', instance: undefined });
  });
  span.end();
  runInContext(trace.setSpan(ROOT_CONTEXT, span), () => explain(event)); // ended: no longer recorded
  const [finished] = exporter.getFinishedSpans();
  expect(finished?.attributes).toEqual({ 'coloring.color': 'red' });
  expect(finished?.events.map(({ name, attributes }) => [name, attributes])).toEqual([
    [
      'coloring.decision',
      {
        'coloring.service': 'order',
        'coloring.kind': 'colored',
        'coloring.reason': 'colored',
        'coloring.attempt': 2,
        'coloring.instance': '10.0.0.7:3001',
      },
    ],
    [
      'coloring.decision',
      {
        'coloring.service': 'order',
        'coloring.kind': 'unavailable',
        'coloring.reason': 'member-down',
        'coloring.attempt': 2,
      },
    ],
  ]);
});

it('does nothing for a span that is not recorded', () => {
  const span = trace.wrapSpanContext({
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    traceFlags: 0,
  });
  const told = [jest.spyOn(span, 'setAttribute'), jest.spyOn(span, 'addEvent')];
  runInContext(trace.setSpan(ROOT_CONTEXT, span), () => explain(event));
  for (const spy of told) expect(spy).not.toHaveBeenCalled();
});

it('to metrics, also of a MeterProvider that is registered late, or again', async () => {
  for (let turn = 0; turn < 2; turn++) {
    metrics.disable();
    explain(event); // nobody counts yet
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
    const provider = new MeterProvider({ readers: [reader] });
    metrics.setGlobalMeterProvider(provider);
    explain(event);
    explain(event);
    count('coloring.retries', { 'coloring.service': 'order' });
    await provider.forceFlush();
    const counted = exporter
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap((scope) => scope.metrics)
      .map(({ descriptor, dataPoints }) => [
        descriptor.name,
        dataPoints.map(({ attributes, value }) => [attributes, value]),
      ]);
    expect(counted).toEqual([
      [
        'coloring.decisions',
        [[{ 'coloring.service': 'order', 'coloring.kind': 'colored', 'coloring.reason': 'colored' }, 2]],
      ],
      ['coloring.retries', [[{ 'coloring.service': 'order' }, 1]]],
    ]);
    await provider.shutdown();
  }
});
