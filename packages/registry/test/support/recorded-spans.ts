import { setupContext } from '@colorway/core/setup';
import { trace } from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { cleanUp } from './clean-up.js';

/**
 * OpenTelemetry with an exporter that keeps what it gets, until the test ends. `saw` does what an instrumentation does
 * for each piece of traffic: it makes a span, which the SDK drops where tracing is suppressed.
 */
export function recordSpans() {
  setupContext();
  const exporter = new InMemorySpanExporter();
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  );
  cleanUp(() => trace.disable());
  const traffic: string[] = [];
  return {
    /** All that was seen, whether it made a span or not. */
    traffic,
    spans: (): string[] => exporter.getFinishedSpans().map(({ name }) => name),
    saw: (name: string): void => {
      traffic.push(name);
      trace.getTracer('instrumentation').startSpan(name).end();
    },
  };
}
