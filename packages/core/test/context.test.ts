import { EventEmitter } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { type Context, createContextKey, propagation, ROOT_CONTEXT } from '@opentelemetry/api';
import fc from 'fast-check';
import {
  activeColor,
  activeContext,
  activeFlowType,
  activeTrail,
  bind,
  detached,
  flowTypeIn,
  flowTypeOfColor,
  parseFlowType,
  refusesCarriers,
  runInContext,
  Trail,
  withColor,
  withFlowType,
  withoutFlowType,
  withoutRefusedCarriers,
  withRefusedCarriers,
  withTrail,
} from '../src/index.js';
import { setupContext } from '../src/setup/index.js';

setupContext();

const H = 'x-infr-flowtype';
const baggageOf = (context: Context) =>
  Object.fromEntries(
    propagation
      .getBaggage(context)
      ?.getAllEntries()
      .map(([key, { value }]) => [key, value]) ?? [],
  );

describe('law 1: withColor', () => {
  it('holds in everything that starts inside, and nowhere else', async () => {
    expect(activeColor()).toBeUndefined();
    const seen = await withColor('red', async () => {
      await delay(1);
      const inTimer = await new Promise((resolve) => setTimeout(() => resolve(activeColor()), 1));
      return [
        activeColor(),
        inTimer,
        withColor('blue', activeColor),
        withColor(undefined, activeColor),
        activeColor(),
      ];
    });
    expect(seen).toEqual(['red', 'red', 'blue', undefined, 'red']);
    expect(activeColor()).toBeUndefined();
  });

  it('returns what the function returns, and lets its error through', () => {
    expect(withColor('red', () => 7)).toBe(7);
    expect(() =>
      withColor('red', () => {
        throw new Error('mine');
      }),
    ).toThrow('mine');
    expect(() => withColor('not_a_color', () => 7)).toThrow(
      expect.objectContaining({ code: 'COLORWAY_INVALID_COLOR' }),
    );
  });

  it('concurrent ones never mix', async () => {
    const colors = Array.from({ length: 50 }, (_, i) => `c${i}`);
    const seen = await Promise.all(
      colors.map((color, i) =>
        withColor(color, async () => {
          await delay(i % 5);
          return activeColor();
        }),
      ),
    );
    expect(seen).toEqual(colors);
  });
});

it('bind ties a function and an emitter to the color of now', () => {
  const emitter = new EventEmitter();
  const seen: unknown[] = [];
  const later = withColor('red', () => {
    bind(emitter).on('job', () => seen.push(activeColor()));
    return bind((a: number, b: number) => [activeColor(), a + b]);
  });
  expect(later(1, 2)).toEqual(['red', 3]);
  withColor('blue', () => emitter.emit('job'));
  emitter.emit('job');
  expect(seen).toEqual(['red', 'red']);
});

describe('flow type in a context', () => {
  it('is read from baggage that others extracted, and ours goes first', () => {
    const extracted = propagation.setBaggage(
      ROOT_CONTEXT,
      propagation.createBaggage({ [H]: { value: 'CE_red' } }),
    );
    expect(flowTypeIn(extracted)).toEqual(flowTypeOfColor('red'));
    const ours = withFlowType(extracted, flowTypeOfColor('blue'));
    const replaced = propagation.setBaggage(ours, propagation.createBaggage({ [H]: { value: 'CE_green' } }));
    expect(flowTypeIn(replaced)).toEqual(flowTypeOfColor('blue'));
    expect(flowTypeIn(withoutFlowType(replaced))).toBeUndefined();
    const invalid = propagation.setBaggage(
      ROOT_CONTEXT,
      propagation.createBaggage({ [H]: { value: 'CE_' } }),
    );
    expect(flowTypeIn(invalid)).toBeUndefined();
  });

  it('another mark is a flow type without a color', () => {
    const mark = parseFlowType('loadtest');
    if (mark === undefined) throw new Error('unreachable');
    expect(flowTypeIn(withFlowType(ROOT_CONTEXT, mark))).toEqual({ kind: 'other', text: 'loadtest' });
    expect(activeFlowType()).toBeUndefined();
  });
});

/* Our contexts must behave as the API's own, whatever is done to them; the reference is a map. */
describe('contexts of ours', () => {
  const KEYS = [createContextKey('one'), createContextKey('two')] as const;
  const step = fc.oneof(
    fc.record({ do: fc.constant('flow' as const), color: fc.constantFrom('red', 'blue') }),
    fc.record({ do: fc.constant('none' as const) }),
    fc.record({ do: fc.constant('trail' as const) }),
    fc.record({ do: fc.constant('set' as const), key: fc.constantFrom(0, 1), value: fc.nat() }),
    fc.record({ do: fc.constant('delete' as const), key: fc.constantFrom(0, 1) }),
    fc.record({ do: fc.constant('baggage' as const), value: fc.constantFrom('1', '2') }),
  );

  it('keep every value through every order of changes, and never change', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let context = ROOT_CONTEXT;
        const reference: { color?: string; values: (number | undefined)[]; user?: string; trail?: Trail } = {
          values: [undefined, undefined],
        };
        const told = (one: Context) => ({
          color: (flowTypeIn(one) as { color?: string } | undefined)?.color,
          values: KEYS.map((key) => one.getValue(key)),
          baggage: baggageOf(one),
          trail: runInContext(one, activeTrail),
        });
        for (const one of steps) {
          const before = context;
          const toldBefore = told(before);
          switch (one.do) {
            case 'flow':
              context = withFlowType(context, flowTypeOfColor(one.color));
              reference.color = one.color;
              break;
            case 'none':
              context = withoutFlowType(context);
              delete reference.color;
              break;
            case 'trail':
              reference.trail = new Trail();
              context = withTrail(context, reference.trail);
              break;
            case 'set':
              context = context.setValue(KEYS[one.key] as symbol, one.value);
              reference.values[one.key] = one.value;
              break;
            case 'delete':
              context = context.deleteValue(KEYS[one.key] as symbol);
              reference.values[one.key] = undefined;
              break;
            case 'baggage': {
              const baggage = propagation.getBaggage(context) ?? propagation.createBaggage();
              context = propagation.setBaggage(context, baggage.setEntry('user', { value: one.value }));
              reference.user = one.value;
            }
          }
          expect(told(before)).toEqual(toldBefore);
        }
        expect(told(context)).toEqual({
          color: reference.color,
          values: reference.values,
          trail: reference.trail,
          baggage: {
            ...(reference.user === undefined ? {} : { user: reference.user }),
            ...(reference.color === undefined ? {} : { [H]: `CE_${reference.color}` }),
          },
        });
      }),
      { numRuns: 500 },
    );
  });

  it('a color in a color in a color does not pile up', () => {
    let context = activeContext();
    for (let depth = 0; depth < 100_000; depth++)
      context = withFlowType(context, flowTypeOfColor(`c${depth % 2}`));
    expect(flowTypeIn(context)).toEqual(flowTypeOfColor('c1'));
    expect(context.getValue(createContextKey('deep'))).toBeUndefined();
  });
});

it('detached: nothing of the work that is running is left, in what it starts neither', async () => {
  const seen = await withColor('red', () =>
    detached(async () => {
      await new Promise(setImmediate);
      return [activeColor(), activeContext()];
    }),
  );
  expect(seen).toEqual([undefined, ROOT_CONTEXT]);
  expect(detached(() => 7)).toBe(7);
  expect(withColor('red', () => [detached(activeColor), activeColor()])).toEqual([undefined, 'red']);
});

describe('work that is not of the request whose carriers were refused', () => {
  it('may copy headers as they are; else its context is the same', () => {
    const kept = createContextKey('kept');
    const refused = withRefusedCarriers(ROOT_CONTEXT.setValue(kept, 1));
    const own = withoutRefusedCarriers(refused);
    expect([refusesCarriers(refused), refusesCarriers(own)]).toEqual([true, false]);
    expect([own.getValue(kept), flowTypeIn(own)]).toEqual([1, undefined]);
    expect(withoutRefusedCarriers(own)).toBe(own);
    expect(withoutRefusedCarriers(ROOT_CONTEXT)).toBe(ROOT_CONTEXT);
    const colored = withFlowType(refused, flowTypeOfColor('red'));
    expect([refusesCarriers(colored), refusesCarriers(withoutRefusedCarriers(colored))]).toEqual([
      true,
      false,
    ]);
    expect(refusesCarriers(withRefusedCarriers(own))).toBe(true);
  });
});
