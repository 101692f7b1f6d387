import { EventEmitter } from 'node:events';
import {
  activeColor,
  ColoringPropagator,
  flowTypeOfColor,
  isColorwayError,
  runInContext,
  trustBaggage,
  withFlowType,
} from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import type { AskedFlow, ServerColoringOptions } from '@colorway/http/express';
import { expressColoring } from '@colorway/http/express';
import {
  context,
  defaultTextMapGetter,
  defaultTextMapSetter,
  metrics,
  propagation,
  ROOT_CONTEXT,
} from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator } from '@opentelemetry/core';
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

  it('a policy is told color and carrier', async () => {
    const told: unknown[] = [];
    const ask = await serve({
      accept: (_: object, asked: AskedFlow) => told.push(asked) > 0,
      sources: { query: true, cookie: true },
    });
    await ask([RED, 'baggage: x-infr-flowtype=CE_blue']);
    await ask(['baggage: x-infr-flowtype=CE_blue']);
    await ask([], '/?x-infr-flowtype=CE_red');
    await ask(['cookie: x-infr-flowtype=CE_red']);
    await ask(['x-infr-flowtype: loadtest']);
    await ask(['x-infr-flowtype: CE_']);
    expect(told).toEqual([
      { color: 'red', flowType: 'CE_red', source: 'header' },
      { color: 'blue', flowType: 'CE_blue', source: 'baggage' },
      { color: 'red', flowType: 'CE_red', source: 'query' },
      { color: 'red', flowType: 'CE_red', source: 'cookie' },
      { color: undefined, flowType: 'loadtest', source: 'header' },
      { color: undefined, flowType: undefined, source: 'header' },
    ]);
  });

  it.each([
    ['%'.repeat(15_000), ''],
    ['x-infr-flowtype=%,'.repeat(800), ''],
    ['x%2Dinfr-flowtype=%,'.repeat(700), 'x-infr-flowtype: %'],
    ['x%2Dinfr-flowtype=%,'.repeat(700), ''],
    ['%zzx-infr-flowtype=%,'.repeat(700), ''],
  ])('where nothing is accepted nothing is decoded: %#', async (baggage, line) => {
    const ask = await serve({ accept: 'none', sources: { query: true, cookie: true } });
    const decoded = jest.spyOn(globalThis, 'decodeURIComponent');
    try {
      const lines = [`baggage: ${baggage}`, 'cookie: x-infr-flowtype=%', ...(line === '' ? [] : [line])];
      expect(await ask(lines, '/?x-infr-flowtype=CE_red')).toBe(null);
      // Frameworks decode the path.
      const read = decoded.mock.calls.filter(([text]) => text.includes('%') && !text.startsWith('/'));
      expect(read).toEqual([]);
    } finally {
      decoded.mockRestore();
    }
  });

  describe('of a refused color nothing is left in the request, where that is asked for', () => {
    const LINES = [
      'X-Infr-Flowtype: CE_evil',
      'baggage: user=7,x%2Dinfr-flowtype=CE_evil',
      'baggage: +x-infr-flowtype=CE_evil',
      'Uberctx-X-Infr-Flowtype: CE_evil',
      'jaeger-baggage: a=1,x-infr-flowtype=CE_evil',
      'ot-baggage-x-infr-flowtype: CE_evil',
      'baggage-x-infr-flowtype: CE_evil',
      'baggage_x-infr-flowtype: CE_evil',
      'cookie: a=1; x-infr-flowtype=CE_evil; b=2',
      'x-other: 1',
    ];

    it.each(['none', (): boolean => false] as const)('accept: %p', async (accept) => {
      let seen: unknown;
      const { port } = await host.start(
        fakeColoring(),
        {
          handle: ({ req }) => {
            const { url, headers, rawHeaders, headersDistinct } = req;
            const { originalUrl } = req as { originalUrl?: string };
            seen = { url, originalUrl, headers, rawHeaders, headersDistinct };
            return { color: activeColor() ?? null };
          },
        },
        { accept, refused: 'remove', sources: { query: true, cookie: true } },
      );
      const answer = await get(port, LINES, '/?a=1&x-infr-flowtype=CE_evil&x%2Dinfr-flowtype=CE_evil&b=2');
      expect(JSON.parse(answer.body)).toEqual({ color: null });
      expect(JSON.stringify(seen)).not.toContain('evil');
      expect(seen).toMatchObject({
        url: '/?a=1&b=2',
        headers: { baggage: 'user=7', 'jaeger-baggage': 'a=1', cookie: 'a=1; b=2', 'x-other': '1' },
        headersDistinct: { baggage: ['user=7'], 'x-other': ['1'] },
      });
    });

    it('and an accepted one stays', async () => {
      let headers: unknown;
      const { port } = await host.start(
        fakeColoring(),
        {
          handle: ({ req }) => {
            headers = req.headers;
            return {};
          },
        },
        { accept: () => true, refused: 'remove' },
      );
      await get(port, [RED]);
      expect(headers).toMatchObject({ 'x-infr-flowtype': 'CE_red' });
    });
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

describe('of two middlewares that a request passes, the stricter one wins', () => {
  /** Runs a request through both, and tells the color in which the handler runs. */
  function through(
    outer: ServerColoringOptions<object>,
    inner: ServerColoringOptions<object>,
    color?: string,
  ) {
    const coloring = fakeColoring(color === undefined ? {} : { color });
    const incoming = Object.assign(new EventEmitter(), { headers: { 'x-infr-flowtype': 'CE_red' } });
    const response = Object.assign(new EventEmitter(), { closed: true, writeHead: () => {} });
    let found: unknown = 'not called';
    expressColoring(coloring, outer)(incoming as never, response as never, () =>
      expressColoring(coloring, inner)(incoming as never, response as never, () => {
        found = activeColor();
      }),
    );
    return found;
  }

  it.each([
    ['all', 'all', 'red'],
    ['all', 'none', undefined],
    ['none', 'all', undefined],
    ['none', 'none', undefined],
    ['all', (): boolean => false, undefined],
    [(): boolean => true, (): boolean => true, 'red'],
    [(_: object, { color }: AskedFlow): boolean => color === 'red', 'all', 'red'],
    ['all', (_: object, { color }: AskedFlow): boolean => color === 'blue', undefined],
    ['all', (_: object, { color }: AskedFlow): boolean => color === 'red', 'red'],
  ] as const)('%p, then %p', (outer, inner, color) => {
    expect(through({ accept: outer }, { accept: inner })).toBe(color);
  });

  it('and what is assumed of a colored instance is no matter of policies', () => {
    expect(through({ accept: 'all' }, { accept: 'none' }, 'mine')).toBe('mine');
    expect(through({ accept: 'none' }, { accept: 'none' }, 'mine')).toBe('mine');
  });
});

describe('what stands in front of a middleware', () => {
  const bare = propagation.setBaggage(
    context.active(),
    propagation.createBaggage({ 'x-infr-flowtype': { value: 'CE_evil' }, user: { value: '7' } }),
  );
  afterEach(() => trustBaggage(undefined));

  it('runs in no color that an instrumentation has read, where a policy is, or where it is said so', () => {
    trustBaggage(true);
    expect(runInContext(bare, activeColor)).toBe('evil');
    trustBaggage(false);
    expect(runInContext(bare, activeColor)).toBeUndefined();
    trustBaggage(undefined);
    expressColoring(fakeColoring(), { accept: 'none' });
    expect(runInContext(bare, activeColor)).toBeUndefined();
  });

  it('nor does its propagator send it on, and what the policy accepts counts', () => {
    const incoming = { 'x-infr-flowtype': 'CE_evil', baggage: 'user=7' };
    const propagator = new CompositePropagator({
      propagators: [new W3CBaggagePropagator(), new ColoringPropagator()],
    });
    trustBaggage(false);
    const extracted = propagator.extract(ROOT_CONTEXT, incoming, defaultTextMapGetter);
    const sent = {};
    propagator.inject(extracted, sent, defaultTextMapSetter);
    expect(sent).toEqual({ baggage: 'user=7' });
    runInContext(extracted, () => {
      const request = Object.assign(new EventEmitter(), { headers: incoming });
      const response = Object.assign(new EventEmitter(), { closed: true, writeHead: () => {} });
      let found: unknown;
      expressColoring(fakeColoring(), { accept: (_, asked) => asked.source === 'header' })(
        request as never,
        response as never,
        () => {
          found = activeColor();
        },
      );
      expect(found).toBe('evil');
    });
  });
});

it.each([
  [{ refused: 'strip' }, 'refused: "strip"'],
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
