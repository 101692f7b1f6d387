import { EventEmitter } from 'node:events';
import { activeColor, flowTypeOfColor, isColorwayError, runInContext, withFlowType } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import type { ServerColoringOptions } from '@colorway/http/express';
import { expressColoring } from '@colorway/http/express';
import { context, metrics, propagation } from '@opentelemetry/api';
import { countingMeterProvider } from './counting-meter-provider.js';
import { type FakeColoringOptions, fakeColoring } from './fake-coloring.js';
import { HOSTS, stopHosts } from './hosts.js';
import { get } from './raw-request.js';

setupContext();
const counted = countingMeterProvider();
beforeAll(() => {
  metrics.setGlobalMeterProvider(counted);
});
beforeEach(() => counted.reset());
afterEach(stopHosts);
afterAll(() => metrics.disable());

const RED = 'x-infr-flowtype: CE_red';

describe.each(HOSTS)('law 8, the edge decides: $name', (host) => {
  const errors: unknown[] = [];

  async function serve(options: ServerColoringOptions<object> = {}, fake: FakeColoringOptions = {}) {
    errors.length = 0;
    const { port } = await host.start(
      fakeColoring(fake),
      { handle: () => ({ color: activeColor() ?? null }), onError: (error) => errors.push(error) },
      options,
    );
    return async (lines: readonly string[], path?: string): Promise<string | null> =>
      JSON.parse((await get(port, lines, path)).body).color;
  }

  it.each([
    ['all', 'red', 0],
    ['none', null, 1],
    [(): boolean => true, 'red', 0],
    [(): boolean => false, null, 1],
    [(async () => true) as unknown as () => boolean, null, 1],
  ] as const)('accept: %p', async (accept, body, rejected) => {
    const ask = await serve({ accept });
    expect(await ask([RED])).toBe(body);
    expect(await ask(['baggage: x-infr-flowtype=CE_red'])).toBe(body);
    expect(await ask([])).toBe(null);
    expect(counted.of('coloring.flow_type.rejected')).toBe(2 * rejected);
  });

  it('a policy that throws accepts nothing, and says so once', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    const ask = await serve({
      accept: () => {
        throw new Error('boom');
      },
    });
    expect(await ask([RED])).toBe(null);
    expect(await ask([RED])).toBe(null);
    process.off('warning', listen);
    expect(errors).toEqual([]);
    expect(
      warnings.filter((warning) => 'code' in warning && warning.code === 'COLORWAY_ACCEPT_FAILED').length,
    ).toBeLessThan(2);
  });

  it('the policy is asked about requests with a flow type alone, and shown the request of the framework', async () => {
    const shown: object[] = [];
    const ask = await serve({
      accept: (request: object) => {
        shown.push(request);
        return true;
      },
    });
    await ask([]);
    expect(shown).toEqual([]);
    await ask([RED]);
    expect(shown).toHaveLength(1);
    expect('headers' in (shown[0] ?? {}) || 'req' in (shown[0] ?? {})).toBe(true);
  });

  it('second sources are off by default', async () => {
    const ask = await serve();
    expect(await ask(['cookie: x-infr-flowtype=CE_red'], '/?x-infr-flowtype=CE_red')).toBe(null);
  });

  it('a query parameter or a cookie is read where it is switched on, and a header wins', async () => {
    const ask = await serve({ sources: { query: true, cookie: 'my.color' } });
    expect(await ask([], '/?a=1&x-infr-flowtype=CE_red')).toBe('red');
    expect(await ask([], '/?x-infr-flowtype=CE%5Fred&x-infr-flowtype=CE_red')).toBe('red');
    expect(await ask([], '/?x-infr-flowtype=CE_red&x-infr-flowtype=CE_blue')).toBe(null);
    expect(await ask([], '/?x-infr-flowtype=%E0%A4%A')).toBe(null);
    expect(await ask([], '/?')).toBe(null);
    expect(await ask(['cookie: a=b; my.color=CE_red; x=y'])).toBe('red');
    expect(await ask(['cookie: my.color="CE_red"'])).toBe('red');
    expect(await ask(['cookie: my.color=%'])).toBe(null);
    expect(await ask(['cookie: my.color'])).toBe(null);
    expect(await ask(['cookie: my.color=CE_blue'], '/?x-infr-flowtype=CE_red')).toBe('red');
    expect(await ask(['x-infr-flowtype: CE_blue'], '/?x-infr-flowtype=CE_red')).toBe('blue');
    expect(await ask(['baggage: x-infr-flowtype=CE_blue'], '/?x-infr-flowtype=CE_red')).toBe('blue');
  });

  it('an invalid flow type is ignored and counted', async () => {
    const ask = await serve();
    expect(await ask(['x-infr-flowtype: CE_'])).toBe(null);
    expect(counted.of('coloring.flow_type.invalid', { 'coloring.action': 'ignore' })).toBe(1);
  });

  it('or refused, with 400 on the error path of the framework', async () => {
    const coloring = fakeColoring();
    const seen: unknown[] = [];
    let handled = 0;
    const app = { handle: () => ({ handled: ++handled }), onError: (error: unknown) => seen.push(error) };
    const { port } = await host.start(coloring, app, { onInvalid: 'refuse' });
    const answer = await get(port, [`x-infr-flowtype: CE_${'"<b>'.repeat(100)}`]);
    expect(answer.status).toBe(400);
    expect(handled).toBe(0);
    expect(coloring.inFlight.count).toBe(0);
    expect(counted.of('coloring.flow_type.invalid', { 'coloring.action': 'refuse' })).toBe(1);
    if (host.name === 'node:http' || host.name === 'fastify') {
      const { code, message } = JSON.parse(answer.body);
      expect(code).toBe('COLORWAY_INVALID_FLOW_TYPE');
      expect(message.length).toBeLessThan(300);
    }
    if (host.name !== 'node:http')
      expect(seen.map((e) => isColorwayError(e) && e.code)).toEqual(['COLORWAY_INVALID_FLOW_TYPE']);
    expect((await get(port, [RED])).status).toBe(200);
  });

  it('who may set no color is not told that it is invalid', async () => {
    const ask = await serve({ accept: 'none', onInvalid: 'refuse' });
    expect(await ask(['x-infr-flowtype: CE_'])).toBe(null);
    expect(counted.of('coloring.flow_type.rejected')).toBe(1);
    expect(counted.of('coloring.flow_type.invalid')).toBe(0);
  });

  it.each([
    ['no color', [], 'mine'],
    ['a color', [RED], 'red'],
    ['another flow type', ['x-infr-flowtype: loadtest'], null],
    ['an invalid one', ['x-infr-flowtype: CE_'], 'mine'],
  ])('a colored instance assumes its color: %s', async (_, lines, body) => {
    const ask = await serve({}, { color: 'mine' });
    expect(await ask(lines)).toBe(body);
  });

  it('also for a color that is not accepted, and not when told not to', async () => {
    expect(await (await serve({ accept: 'none' }, { color: 'mine' }))([RED])).toBe('mine');
    expect(await (await serve({}, { color: 'mine', assumeInstanceColor: false }))([])).toBe(null);
  });

  it('names of a company are accepted', async () => {
    const ask = await serve(
      {},
      { carriers: { headers: ['x-infr-flowtype', 'x-env'], prefixes: ['CE_', ''] } },
    );
    expect(await ask(['x-env: red'])).toBe('red');
    expect(await ask(['X-Env: CE_red'])).toBe('red');
  });
});

describe('what an instrumentation has extracted already', () => {
  const RED_FLOW = flowTypeOfColor('red');

  /** Runs the middleware as inside an instrumentation, and tells what the handler finds in its context. */
  function inside(headers: Record<string, string>, options: ServerColoringOptions<object>) {
    const middleware = expressColoring(fakeColoring(), options);
    const extracted = withFlowType(
      propagation.setBaggage(context.active(), propagation.createBaggage({ user: { value: '7' } })),
      RED_FLOW,
    );
    return runInContext(extracted, () => {
      let found: unknown;
      const incoming = Object.assign(new EventEmitter(), { headers });
      const response = Object.assign(new EventEmitter(), { closed: true, writeHead: () => {} });
      middleware(incoming as never, response as never, () => {
        found = [
          activeColor(),
          propagation
            .getActiveBaggage()
            ?.getAllEntries()
            .map(([key]) => key),
        ];
      });
      return found;
    });
  }

  it('is subject to the policy, whichever carrier it came in', () => {
    expect(inside({}, {})).toEqual(['red', ['user', 'x-infr-flowtype']]);
    expect(inside({}, { accept: 'none' })).toEqual([undefined, ['user']]);
    expect(inside({ 'x-infr-flowtype': 'CE_red' }, { accept: 'none' })).toEqual([undefined, ['user']]);
  });

  it('gives way to the flow header, and goes with an invalid one', () => {
    expect(inside({ 'x-infr-flowtype': 'CE_blue' }, {})).toEqual(['blue', ['user', 'x-infr-flowtype']]);
    expect(inside({ 'x-infr-flowtype': 'CE_' }, {})).toEqual([undefined, ['user']]);
  });
});

it.each([
  [{ accept: 'some' }, 'accept: "some"'],
  [{ onInvalid: 'throw' }, 'onInvalid: "throw"'],
  [{ explain: true }, 'explain: "true"'],
  [{ sources: { query: '' } }, 'sources.query: ""'],
  [{ sources: { cookie: false } }, 'sources.cookie: "false"'],
])('refuses the option %j when the middleware is made', (options, text) => {
  expect(() => expressColoring(fakeColoring(), options as never)).toThrow(
    expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION', message: expect.stringContaining(text) }),
  );
});
