import {
  activeColor,
  activeContext,
  activeFlowType,
  bindToContext,
  type Coloring,
  flowTypeOfColor,
  resolveCarrierNames,
  runInContext,
  withColor,
  withRefusedCarriers,
} from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { propagation } from '@opentelemetry/api';
import {
  inMessageContext,
  messageColor,
  messageFlow,
  runInMessageContext,
  stampMessage,
} from '../../src/message/index.js';

setupContext();

const names = resolveCarrierNames();
const several = resolveCarrierNames({
  messageProperties: ['DMQ_ENV_TAG', 'x-mse-tag'],
  baggageKeys: ['x-infr-flowtype', 'old'],
});
const coloring: Pick<Coloring, 'carriers'> = { carriers: names };
const A = flowTypeOfColor('a', names);

describe('stampMessage', () => {
  test('a color: property and baggage member; everything else stays, the given object too', () => {
    const given = Object.freeze({
      kept: Buffer.from([1]),
      baggage: 'tenant=7;secret,x-infr-flowtype=CE_old',
    });
    expect(stampMessage(given, A, names)).toEqual({
      kept: given.kept,
      DMQ_ENV_TAG: 'a',
      baggage: 'x-infr-flowtype=CE_a,tenant=7;secret',
    });
    expect(stampMessage(undefined, A, names)).toEqual({ DMQ_ENV_TAG: 'a', baggage: 'x-infr-flowtype=CE_a' });
  });

  test('a mark of another kind travels in the baggage alone', () => {
    const mark = { kind: 'other', text: 'load-test' } as const;
    expect(stampMessage({ DMQ_ENV_TAG: 'stale' }, mark, names)).toEqual({
      baggage: 'x-infr-flowtype=load-test',
    });
  });

  test('without a flow type the headers are returned as they came', () => {
    const given = { DMQ_ENV_TAG: 'a', baggage: 'x-infr-flowtype=CE_a' };
    expect(stampMessage(given, undefined, names)).toBe(given);
    expect(stampMessage(undefined, undefined, names)).toBeUndefined();
  });

  test('of several accepted names one is sent, and no other is left', () => {
    const given = { 'x-mse-tag': 'old', baggage: 'old=CE_old,tenant=7' };
    expect(stampMessage(given, A, several)).toEqual({
      DMQ_ENV_TAG: 'a',
      baggage: 'x-infr-flowtype=CE_a,tenant=7',
    });
  });

  test("the context's other baggage goes along where the headers have none", () => {
    const withTenant = propagation.setBaggage(
      activeContext(),
      propagation.createBaggage({ tenant: { value: '7' } }),
    );
    expect(
      bindToContext(withTenant, () => stampMessage<Record<string, unknown>>({}, A, names))()?.baggage,
    ).toBe('x-infr-flowtype=CE_a,tenant=7');
  });
});

test('baggage that stands several times is kept whole, and an empty one counts as none', () => {
  const twice = { baggage: [Buffer.from('tenant=7'), Buffer.from('user=8')] };
  expect(stampMessage<Record<string, unknown>>(twice, A, names)?.baggage).toBe(
    'x-infr-flowtype=CE_a,tenant=7,user=8',
  );
  runInMessageContext(coloring, twice, () => {
    expect(propagation.getActiveBaggage()?.getEntry('tenant')?.value).toBe('7');
    expect(propagation.getActiveBaggage()?.getEntry('user')?.value).toBe('8');
  });
  const withTenant = propagation.setBaggage(
    activeContext(),
    propagation.createBaggage({ tenant: { value: '7' } }),
  );
  const empty = { baggage: Buffer.alloc(0) };
  expect(
    bindToContext(withTenant, () => stampMessage<Record<string, unknown>>(empty, A, names))()?.baggage,
  ).toBe('x-infr-flowtype=CE_a,tenant=7');
});

describe('messageColor', () => {
  const bytes = (text: string) => Buffer.from(text);

  test.each<[string, Record<string, unknown>, string | undefined]>([
    ['a property', { DMQ_ENV_TAG: 'a' }, 'a'],
    ['as bytes', { DMQ_ENV_TAG: bytes('a') }, 'a'],
    ['as a list', { DMQ_ENV_TAG: [bytes('a'), bytes('b')] }, 'b'],
    ['another accepted name', { 'x-mse-tag': 'a' }, 'a'],
    ['the baggage', { baggage: bytes('k=v,x-infr-flowtype=CE_a') }, 'a'],
    ['the property before the baggage', { DMQ_ENV_TAG: 'a', baggage: 'x-infr-flowtype=CE_b' }, 'a'],
    ['a bad property, then the baggage', { DMQ_ENV_TAG: 'no color', baggage: 'x-infr-flowtype=CE_b' }, 'b'],
    ['a mark', { baggage: 'x-infr-flowtype=load-test' }, undefined],
    ['a prefix in the property', { DMQ_ENV_TAG: 'CE_a' }, undefined],
    ['two baggage headers, the color in the first', { baggage: ['x-infr-flowtype=CE_a', 'k=v'] }, 'a'],
    ['two baggage headers, as bytes', { baggage: [bytes('k=v'), bytes('x-infr-flowtype=CE_a')] }, 'a'],
    [
      'two baggage headers with a color each',
      { baggage: ['x-infr-flowtype=CE_a', 'x-infr-flowtype=CE_b'] },
      'b',
    ],
    ['an empty property, then the baggage', { DMQ_ENV_TAG: '', baggage: 'x-infr-flowtype=CE_b' }, 'b'],
    ['an empty property behind another one', { DMQ_ENV_TAG: ['a', bytes('')] }, 'a'],
    ['nothing', {}, undefined],
  ])('%s', (_what, headers, color) => {
    expect(messageColor(headers, several)).toBe(color);
  });

  test('hostile values never throw', () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const values: unknown[] = [
      null,
      0,
      Number.NaN,
      true,
      Symbol('s'),
      10n,
      {},
      [],
      [[]],
      circular,
      () => {},
      Buffer.alloc(1_000_000, 0x61),
      'a'.repeat(1_000_000),
      '\0',
      'a\r\nb',
      '💥',
      '__proto__',
      Buffer.from([0xff, 0xfe]),
      Object.create(null),
      {
        toString: () => {
          throw new Error('no');
        },
      },
      Array(1_000).fill('x-infr-flowtype=CE_a'),
      '%%%',
      'x-infr-flowtype=%E0%A4%A',
    ];
    for (const value of values) {
      expect(messageColor({ DMQ_ENV_TAG: value }, names)).toBeUndefined();
      expect(() => messageFlow({ baggage: value }, names)).not.toThrow();
      expect(() => stampMessage({ baggage: value }, A, names)).not.toThrow();
      expect(() =>
        runInMessageContext(coloring, { DMQ_ENV_TAG: value, baggage: value }, () => {}),
      ).not.toThrow();
    }
    expect(messageColor(undefined)).toBeUndefined();
    expect(messageColor(null as never)).toBeUndefined();
    expect(messageColor(Object.create({ DMQ_ENV_TAG: 'inherited' }), names)).toBeUndefined();
    const odd = resolveCarrierNames({ messageProperties: 'constructor' });
    expect(messageColor({}, odd)).toBeUndefined();
  });
});

describe('headers of a request whose color was refused, copied into a message', () => {
  const COPIED = Object.freeze({
    'X-Infr-Flowtype': 'CE_evil',
    'x-infr-flowtype': 'CE_evil',
    DMQ_ENV_TAG: 'evil',
    dmq_env_tag: 'evil',
    baggage: ['a=1,x%2Dinfr-flowtype=CE_evil', Buffer.from('+x-infr-flowtype=CE_evil,b=2;p')],
    'jaeger-baggage': 'x-infr-flowtype=CE_evil',
    'uberctx-x-infr-flowtype': 'CE_evil',
    'ot-baggage-x-infr-flowtype': 'CE_evil',
    ['__proto__']: 'own',
    kept: Buffer.from([1]),
  });
  const refused = <T>(fn: () => T): T => runInContext(withRefusedCarriers(activeContext(), names), fn);

  test('say no color any more; without one, and in a color of the work’s own', () => {
    const plain = refused(() => stampMessage(COPIED, undefined, names));
    expect({ ...plain }).toEqual({ ['__proto__']: 'own', baggage: 'a=1,b=2;p', kept: COPIED.kept });
    expect(refused(() => stampMessage(COPIED, A, names))).toEqual({
      ['__proto__']: 'own',
      kept: COPIED.kept,
      DMQ_ENV_TAG: 'a',
      baggage: 'x-infr-flowtype=CE_a,a=1,b=2;p',
    });
    expect(refused(() => stampMessage(undefined, undefined, names))).toBeUndefined();
  });

  test('elsewhere they are copied as they are: a retry keeps its color', () => {
    expect(stampMessage(COPIED, undefined, names)).toBe(COPIED);
    const inMessage = () => runInMessageContext(coloring, { DMQ_ENV_TAG: 'a' }, activeColor);
    expect(refused(inMessage)).toBe('a');
  });

  test('nor is a message’s handler the request’s, in whose context its client was made', () => {
    const copied = () => stampMessage(COPIED, undefined, names);
    expect(refused(() => runInMessageContext(coloring, undefined, copied))).toBe(COPIED);
    expect(refused(() => runInMessageContext(coloring, { baggage: 'tenant=7' }, copied))).toBe(COPIED);
    const inColor = () => stampMessage({ 'jaeger-baggage': 'a=1' }, A, names);
    expect(refused(() => runInMessageContext(coloring, { DMQ_ENV_TAG: 'a' }, inColor))).toMatchObject({
      'jaeger-baggage': 'a=1',
    });
    expect(refused(() => runInMessageContext(coloring, {}, () => refused(copied)))).not.toBe(COPIED);
  });
});

describe('the context of a message', () => {
  test('is its own color, or none, whatever is active around it', async () => {
    await withColor('outer', async () => {
      expect(runInMessageContext(coloring, { DMQ_ENV_TAG: 'a' }, activeColor)).toBe('a');
      expect(runInMessageContext(coloring, {}, activeColor)).toBeUndefined();
      expect(runInMessageContext(coloring, undefined, activeFlowType)).toBeUndefined();
      expect(runInMessageContext(coloring, { baggage: 'tenant=7' }, activeColor)).toBeUndefined();
      expect(
        await runInMessageContext(coloring, { DMQ_ENV_TAG: 'a' }, async () =>
          Promise.resolve().then(activeColor),
        ),
      ).toBe('a');
      expect(activeColor()).toBe('outer');
    });
  });

  test('its baggage is its own too', () => {
    const baggage = () =>
      propagation
        .getActiveBaggage()
        ?.getAllEntries()
        .map(([key, { value }]) => `${key}=${value}`);
    withColor('outer', () => {
      expect(
        runInMessageContext(coloring, { baggage: 'tenant=7,x-infr-flowtype=CE_a' }, baggage)?.sort(),
      ).toEqual(['tenant=7', 'x-infr-flowtype=CE_a']);
      expect(runInMessageContext(coloring, {}, baggage)).toBeUndefined();
    });
  });

  test('by hand, for messages of amqplib and of kafkajs', () => {
    expect(inMessageContext({ properties: { headers: { DMQ_ENV_TAG: 'a' } } }, activeColor)).toBe('a');
    expect(inMessageContext({ headers: { DMQ_ENV_TAG: Buffer.from('a') } }, activeColor)).toBe('a');
    expect(withColor('outer', () => inMessageContext({ properties: {} }, activeColor))).toBeUndefined();
  });
});
