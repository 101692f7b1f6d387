import { channel } from 'node:diagnostics_channel';
import {
  activeColor,
  activeContext,
  type Color,
  ColoringPropagator,
  runInContext,
  withColor,
} from '@colorway/core';
import { coloredDispatcher } from '@colorway/http/undici';
import { propagation, trace } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici';
import { BasicTracerProvider } from '@opentelemetry/sdk-trace-base';
import { request } from 'undici';
import { CLIENTS } from '../support/clients.js';
import { FakeColoring } from '../support/fake-coloring.js';
import { Fleet, type Running } from '../support/fleet.js';

describe("beside OpenTelemetry's undici instrumentation", () => {
  const fleet = new Fleet();
  let coloring: FakeColoring;
  let instrumentation: UndiciInstrumentation;

  beforeEach(() => {
    coloring = new FakeColoring();
    const provider = new BasicTracerProvider();
    trace.setGlobalTracerProvider(provider);
    propagation.setGlobalPropagator(
      new CompositePropagator({
        propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator(), new ColoringPropagator()],
      }),
    );
    instrumentation = new UndiciInstrumentation();
    instrumentation.setTracerProvider(provider);
  });
  afterEach(async () => {
    instrumentation.disable();
    trace.disable();
    propagation.disable();
    await coloring.close();
    await fleet.close();
  });

  function lines({ requests }: Running, name: string): string[] {
    const raw = requests.at(-1)?.rawHeaders ?? [];
    return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === name);
  }

  function inRequest<T>(color: Color | undefined, fn: () => T): T {
    return withColor(color, () => {
      const baggage = (propagation.getActiveBaggage() ?? propagation.createBaggage()).setEntry('user', {
        value: 'x'.repeat(1_000),
      });
      return runInContext(propagation.setBaggage(activeContext(), baggage), fn);
    });
  }

  const undici = CLIENTS.filter(({ name }) => /undici|fetch/.test(name));

  it.each(undici)('$name says each thing once', async ({ make }) => {
    expect(channel('undici:request:create').hasSubscribers).toBe(true);
    const stock = await fleet.start(coloring, 'stock', { color: 'red' });
    const foreign = await fleet.serve('foreign');
    const call = make(coloring, { propagateTo: ['127.0.0.1'] });
    for (const [url, at] of [
      ['http://stock/', stock],
      [`http://127.0.0.1:${foreign.port}/`, foreign],
    ] as const) {
      await inRequest('red', () => call(url));
      expect(lines(at, 'x-infr-flowtype')).toEqual(['CE_red']);
      expect(lines(at, 'baggage')).toHaveLength(1);
      expect(lines(at, 'baggage')[0]).toMatch(/x-infr-flowtype=CE_red.*user=x{1000}/);
      expect(lines(at, 'traceparent')).toHaveLength(1);
    }
  });

  it.each(undici)('$name, without a color, has the baggage once', async ({ make }) => {
    const stock = await fleet.start(coloring, 'stock');
    await inRequest(undefined, () => make(coloring)('http://stock/'));
    expect(lines(stock, 'x-infr-flowtype')).toEqual([]);
    expect(lines(stock, 'baggage')).toHaveLength(1);
    expect(lines(stock, 'traceparent')).toHaveLength(1);
  });

  it('is of the color that it was called in', async () => {
    await fleet.start(coloring, 'stock', { color: 'red' });
    const dispatcher = coloredDispatcher(coloring);
    await withColor('red', async () => {
      const { body } = await request('http://stock/', { dispatcher });
      await body.text();
      expect(activeColor()).toBe('red');
    });
  });
});
