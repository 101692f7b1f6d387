import {
  type Context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  propagation,
  ROOT_CONTEXT,
  trace,
} from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator, W3CTraceContextPropagator } from '@opentelemetry/core';
import fc from 'fast-check';
import {
  ColoringPropagator,
  flowTypeIn,
  flowTypeOfColor,
  parseBaggage,
  resolveCarrierNames,
  scanBaggage,
  withFlowType,
  withoutFlowType,
} from '../src/index.js';

const H = 'x-infr-flowtype';
const coloring = new ColoringPropagator();
const all = new CompositePropagator({
  propagators: [new W3CTraceContextPropagator(), new W3CBaggagePropagator(), coloring],
});
const reversed = new CompositePropagator({ propagators: [coloring, new W3CBaggagePropagator()] });

const inject = (context: Context, propagator: ColoringPropagator | CompositePropagator = all) => {
  const carrier: Record<string, string> = {};
  propagator.inject(context, carrier, defaultTextMapSetter);
  return carrier;
};
const extract = (
  carrier: Record<string, string | string[]>,
  propagator: ColoringPropagator | CompositePropagator = all,
  into = ROOT_CONTEXT,
) => propagator.extract(into, carrier, defaultTextMapGetter);
const entries = (context: Context) =>
  Object.fromEntries(
    propagation
      .getBaggage(context)
      ?.getAllEntries()
      .map(([key, { value }]) => [key, value]) ?? [],
  );

const key = fc.string({ unit: fc.constantFrom(...'abcdef-._'), minLength: 1, maxLength: 8 });
const value = fc.string({ minLength: 1, maxLength: 10 }).filter((text) => text.trim() === text);
const member = fc.dictionary(key, value, { maxKeys: 6, noNullPrototype: true });

it('keeps every other baggage member, alone and with W3C, in either order', () => {
  fc.assert(
    fc.property(member, fc.constantFrom(all, reversed, coloring), (others, propagator) => {
      const baggage = propagation.createBaggage(
        Object.fromEntries(Object.entries(others).map(([name, text]) => [name, { value: text }])),
      );
      const context = withFlowType(propagation.setBaggage(ROOT_CONTEXT, baggage), flowTypeOfColor('red'));
      const carrier = inject(context, propagator);
      expect(carrier[H]).toBe('CE_red');
      const read = extract(carrier, propagator);
      expect(flowTypeIn(read)).toEqual(flowTypeOfColor('red'));
      expect(entries(read)).toEqual({ ...others, [H]: 'CE_red' });
      expect(
        entries(extract(carrier, new CompositePropagator({ propagators: [new W3CBaggagePropagator()] }))),
      ).toEqual({ ...others, [H]: 'CE_red' });
    }),
  );
});

it('W3C alone carries the color, and the context says so', () => {
  const w3c = new CompositePropagator({ propagators: [new W3CBaggagePropagator()] });
  const carrier = inject(withFlowType(ROOT_CONTEXT, flowTypeOfColor('red')), w3c);
  expect(carrier).toEqual({ baggage: `${H}=CE_red` });
  expect(flowTypeIn(extract(carrier, w3c))).toEqual(flowTypeOfColor('red'));
});

it('writes nothing without a flow type, and nothing after it was taken out', () => {
  const baggage = propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage({ user: { value: '7' } }));
  expect(inject(baggage, coloring)).toEqual({});
  const colored = withFlowType(baggage, flowTypeOfColor('red'));
  expect(inject(withoutFlowType(colored))).toEqual({ baggage: 'user=7' });
});

it('extracts into the context that it is given: trace and values stay', () => {
  const spanContext = {
    traceId: '4bf92f3577b34da6a3ce929d0e0e4736',
    spanId: '00f067aa0ba902b7',
    traceFlags: 1,
  };
  const into = trace.setSpanContext(ROOT_CONTEXT, spanContext);
  expect(trace.getSpanContext(extract({ [H]: 'CE_red' }, coloring, into))).toEqual(spanContext);
  expect(extract({ [H]: 'CE_' }, coloring, into)).toBe(into);
  expect(extract({}, coloring, into)).toBe(into);
});

it('the header goes before the member, and the baggage then says the same', () => {
  const read = extract({ [H]: 'CE_red', baggage: `user=7,${H}=CE_blue` });
  expect(flowTypeIn(read)).toEqual(flowTypeOfColor('red'));
  expect(entries(read)).toEqual({ user: '7', [H]: 'CE_red' });
});

it('several names: all are read, one is sent, and no other name goes on with an older color', () => {
  const names = resolveCarrierNames({ headers: ['x-env', H], baggageKeys: ['env', H] });
  const own = new ColoringPropagator(names);
  const read = extract({ baggage: `user=7,${H}=CE_red` }, own);
  expect(flowTypeIn(read, names)).toEqual(flowTypeOfColor('red'));
  const sent = inject(withFlowType(read, flowTypeOfColor('blue'), names), own);
  expect(sent['x-env']).toBe('CE_blue');
  expect(scanBaggage(sent.baggage ?? '', 'env')).toBe('CE_blue');
  expect(scanBaggage(sent.baggage ?? '', H)).toBeUndefined();
  expect(scanBaggage(sent.baggage ?? '', 'user')).toBe('7');
  expect(own.fields()).toEqual(['x-env', H, 'baggage']);
});

it('hostile carriers never throw', () => {
  const text = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.constantFrom('%E0', ',,;=', `${H}=%`));
  const headers = fc.record(
    { [H]: fc.oneof(text, fc.array(text)), baggage: fc.oneof(text, fc.array(text)) },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(
      headers,
      (carrier) => void inject(extract(carrier as Record<string, string>, coloring), coloring),
    ),
  );
  expect(parseBaggage(inject(extract({ [H]: 'CE_red' })).baggage ?? '').getAllEntries()).toHaveLength(1);
});
