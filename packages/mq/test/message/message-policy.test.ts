import {
  activeColor,
  activeContext,
  type Color,
  type FlowType,
  foreignHeaders,
  refusesCarriers,
  resolveCarrierNames,
} from '@colorway/core';
import { Reporter } from '@colorway/core/background';
import { setupContext } from '@colorway/core/setup';
import { propagation } from '@opentelemetry/api';
import fc from 'fast-check';
import {
  type AcceptPolicy,
  type AskedMessageFlow,
  inAdmitted,
  type MessageHeaders,
  messageColor,
  messageFlow,
  messagePolicy,
  stampMessage,
} from '../../src/message/index.js';

setupContext();

const carriers = resolveCarrierNames({ messageProperties: ['DMQ_ENV_TAG', 'x-mse-tag'] });
const warnings: string[] = [];
const note = (line: string): void => void warnings.push(line);
const reporter = new Reporter({ debug: note, info: note, warn: note, error: note });

interface Message {
  readonly id: string;
  readonly headers?: MessageHeaders | undefined;
}

function policy(accept: AcceptPolicy<Message> | undefined, color?: Color) {
  return messagePolicy<Message>({ carriers, color, reporter } as never, accept, {
    headersOf: ({ headers }) => headers,
    withHeaders: (message, headers) => ({ ...message, headers }),
  });
}

function admit(accept: AcceptPolicy<Message>, headers: MessageHeaders | undefined, color?: Color) {
  const made = policy(accept, color);
  if (made === undefined) throw new Error('no policy');
  return made.admit({ id: '1', headers }, messageFlow(headers, carriers), 'orders');
}

const COLORED: Readonly<Record<string, MessageHeaders>> = {
  'a property': { DMQ_ENV_TAG: 'evil' },
  'another property': { 'x-mse-tag': Buffer.from('evil') },
  'the baggage': { baggage: 'x-infr-flowtype=CE_evil' },
  'an encoded key': { baggage: 'x%2Dinfr-flowtype=CE_evil' },
  'a key with spaces of forms': { baggage: '+x-infr-flowtype+=CE_evil' },
  'several baggage headers': { baggage: [Buffer.from('a=b'), 'x-infr-flowtype=CE_evil'] },
  'a mark': { baggage: 'x-infr-flowtype=load-test' },
  'another case': { BagGage: 'x-infr-flowtype=CE_evil', dmq_env_tag: 'evil' },
  'a header of requests': { 'X-Infr-Flowtype': 'CE_evil' },
  'a broken property': { DMQ_ENV_TAG: 'no color' },
  'a table as property': { DMQ_ENV_TAG: { a: 1 } },
  'baggage too long to be read': { baggage: `a=${'b'.repeat(20_000)},x-infr-flowtype=CE_evil` },
  ...Object.fromEntries(
    foreignHeaders(carriers).map((name) => [
      `foreign: ${name}`,
      { [name]: name === 'jaeger-baggage' ? 'x-infr-flowtype=CE_evil' : 'CE_evil' },
    ]),
  ),
};
const OTHERS = { tenant: '7', 'x-death': [{ queue: 'q' }], traceparent: '00-1-1-01' };

describe('accept of message consumers', () => {
  test.each(Object.entries(COLORED))('none: nothing of a flow type is left of %s', (_, said) => {
    const headers = { ...OTHERS, ...said };
    const before = structuredClone(headers);
    const admitted = admit('none', headers);
    expect(admitted).toMatchObject({ isRefused: true, flow: undefined });
    expect({ ...admitted.message.headers, baggage: 0 }).toEqual({ ...OTHERS, baggage: 0 });
    expect(messageFlow(admitted.message.headers, carriers)).toBeUndefined();
    expect(headers).toEqual(before);
    inAdmitted({ carriers }, admitted, () => {
      expect(activeColor()).toBeUndefined();
      expect(refusesCarriers()).toBe(true);
      // Copies of the message as it came, too.
      expect(messageFlow(stampMessage(headers, undefined, carriers), carriers)).toBeUndefined();
      const members = propagation.getBaggage(activeContext())?.getAllEntries() ?? [];
      expect(members.filter(([, { value }]) => /evil|load-test/.test(value))).toEqual([]);
    });
  });

  test('other baggage stays, and bytes stay bytes', () => {
    const { message } = admit('none', { baggage: Buffer.from('user=8,x-infr-flowtype=CE_evil,tenant=7') });
    expect(message.headers).toEqual({ baggage: Buffer.from('user=8,tenant=7') });
    inAdmitted({ carriers }, admit('none', { DMQ_ENV_TAG: 'evil', baggage: 'user=8' }), () =>
      expect(propagation.getActiveBaggage()?.getEntry('user')?.value).toBe('8'),
    );
  });

  test.each<[string, MessageHeaders | undefined]>([
    ['no headers', undefined],
    ['headers without a flow type', OTHERS],
    ['other baggage', { ...OTHERS, baggage: 'tenant=7' }],
    ["Jaeger's baggage without one", { 'jaeger-baggage': 'tenant=7' }],
    ['empty carriers', { DMQ_ENV_TAG: '', baggage: Buffer.alloc(0), 'x-infr-flowtype': '' }],
  ])('none: a message with %s is the one that came', (_, headers) => {
    const message = { id: '1', headers };
    const admitted = policy('none')?.admit(message, messageFlow(headers, carriers), 'orders');
    expect(admitted?.message).toBe(message);
    expect(admitted?.isRefused).toBe(false);
  });

  test('a function is told color, flow type, source and destination', () => {
    const asked: AskedMessageFlow[] = [];
    const accept = (_: Message, one: AskedMessageFlow): boolean => asked.push(one) > 0;
    admit(accept, { DMQ_ENV_TAG: Buffer.from('a'), baggage: 'x-infr-flowtype=CE_b' });
    admit(accept, { baggage: 'x-infr-flowtype=CE_b' });
    admit(accept, { baggage: 'x-infr-flowtype=load-test' });
    expect(asked).toEqual([
      { color: 'a', flowType: 'CE_a', source: 'header', destination: 'orders' },
      { color: 'b', flowType: 'CE_b', source: 'baggage', destination: 'orders' },
      { color: undefined, flowType: 'load-test', source: 'baggage', destination: 'orders' },
    ]);
  });

  test('what it accepts goes on as it came; a second opinion in another carrier does not', () => {
    const accept = (_: Message, { color }: AskedMessageFlow): boolean => color === 'good';
    const stamped = { DMQ_ENV_TAG: 'good', baggage: 'x-infr-flowtype=CE_good,tenant=7' };
    expect(admit(accept, stamped).message.headers).toBe(stamped);
    const { message, flow, isRefused } = admit(accept, {
      ...{ DMQ_ENV_TAG: Buffer.from('good'), 'x-mse-tag': 'evil', baggage: 'x-infr-flowtype=CE_evil,a=b' },
      ...{ 'uberctx-x-infr-flowtype': 'CE_evil', 'X-INFR-FLOWTYPE': 'CE_evil' },
    });
    expect({ flow: flow?.text, isRefused }).toEqual({ flow: 'CE_good', isRefused: false });
    expect(message.headers).toEqual({ DMQ_ENV_TAG: Buffer.from('good'), baggage: 'a=b' });
    expect(admit(accept, { DMQ_ENV_TAG: 'evil' }).isRefused).toBe(true);
  });

  test('one that throws, or promises, accepts nothing; the throw is told once', () => {
    const thrower = (): never => {
      throw new Error('oops');
    };
    expect(admit(thrower, { DMQ_ENV_TAG: 'a' }).isRefused).toBe(true);
    expect(admit(thrower, { DMQ_ENV_TAG: 'a' }).isRefused).toBe(true);
    expect(admit((async () => true) as never, { DMQ_ENV_TAG: 'a' }).isRefused).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(/^COLORWAY_ACCEPT_FAILED: .*oops/)]);
  });

  test('a colored consumer is not asked about its own color, and is about others', () => {
    expect(admit('none', { DMQ_ENV_TAG: 'red' }, 'red')).toMatchObject({ isRefused: false });
    expect(admit('none', { DMQ_ENV_TAG: 'blue' }, 'red')).toMatchObject({ isRefused: true });
  });

  test('all is no policy, and what is none is refused with the value and the remedy', () => {
    expect(policy(undefined)).toBeUndefined();
    expect(policy('all')).toBeUndefined();
    expect(() => policy('nobody' as never)).toThrow(
      expect.objectContaining({
        code: 'COLORWAY_INVALID_OPTION',
        message: expect.stringMatching(/"nobody".*"all", "none", a function/),
      }),
    );
  });

  test('whatever the headers are, nothing is thrown, and what is refused says nothing', () => {
    const value = fc.oneof(
      fc.string(),
      fc.constant('evil'),
      fc.constant('x-infr-flowtype=CE_evil'),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.anything(),
    );
    const name = fc.oneof(
      fc.string(),
      fc.constantFrom('DMQ_ENV_TAG', 'baggage', 'Baggage', 'x-infr-flowtype', 'jaeger-baggage', '__proto__'),
    );
    fc.assert(
      fc.property(fc.array(fc.tuple(name, fc.oneof(value, fc.array(value)))), (entries) => {
        const headers = Object.fromEntries(entries);
        const flow: FlowType | undefined = messageFlow(headers, carriers);
        const admitted = admit('none', headers);
        if (flow !== undefined) expect(admitted.isRefused).toBe(true);
        expect(messageColor(admitted.message.headers, carriers)).toBeUndefined();
        expect(admitted.flow).toBeUndefined();
      }),
    );
  });
});
