import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { PassThrough, Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { activeColor, bind, withColor } from '@colorway/core';
import { coloredDispatcher } from '@colorway/http/undici';
import { Agent, type Dispatcher, pipeline, request } from 'undici';
import { FakeColoring, type FakeColoringOptions } from '../support/fake-coloring.js';
import { type Echo, Fleet, freePort, recordOf } from '../support/fleet.js';

describe('coloredDispatcher', () => {
  const fleet = new Fleet();
  const closing: (() => Promise<void>)[] = [];

  afterEach(async () => {
    await Promise.all(closing.splice(0).map((close) => close()));
    await fleet.close();
  });

  function coloringOf(options: FakeColoringOptions = {}): FakeColoring {
    const coloring = new FakeColoring(options);
    closing.push(() => coloring.close());
    return coloring;
  }

  const secret = { 'x-infr-flowtype': 'CE_evil', baggage: 'a=1,x-infr-flowtype=CE_evil', 'x-mine': '1' };
  function* generated() {
    yield* Object.entries(secret);
  }
  const forms: [string, () => unknown][] = [
    ['none', () => undefined],
    ['null', () => null],
    ['an object', () => Object.freeze({ ...secret })],
    ['a flat list', () => Object.freeze(Object.entries(secret).flat())],
    ['Headers', () => new Headers(secret)],
    ['a Map', () => new Map(Object.entries(secret))],
    ['a generator', generated],
    [
      'an object with lists',
      () => Object.freeze({ ...secret, baggage: Object.freeze(['a=1', 'x-infr-flowtype=CE_evil']) }),
    ],
  ];

  it.each(forms)('takes headers as %s, frozen, to services and foreign hosts', async (form, make) => {
    const coloring = coloringOf();
    const stock = await fleet.start(coloring, 'stock');
    const cart = await fleet.start(coloring, 'stock', { color: 'feat-cart' });
    const dispatcher = coloredDispatcher(coloring);
    const call = async (origin: string) => {
      const options = Object.freeze({
        origin,
        path: '/x',
        method: 'GET',
        headers: make(),
      }) as Dispatcher.RequestOptions;
      return (await (await dispatcher.request(options)).body.json()) as Echo;
    };
    const has = form !== 'none' && form !== 'null';
    const uncolored = has ? { baggage: 'a=1', 'x-mine': '1' } : {};
    for (const got of [
      await call('http://stock'),
      await call(`http://127.0.0.1:${stock.port}`),
      await withColor('c', () => call(`http://127.0.0.1:${stock.port}`)),
    ]) {
      expect(got.headers).toMatchObject(uncolored);
      expect(got.headers).not.toHaveProperty('x-infr-flowtype');
    }
    const colored = await withColor('feat-cart', () => call('http://stock'));
    expect(colored.id).toBe(cart.id);
    expect(colored.headers).toMatchObject({
      'x-infr-flowtype': 'CE_feat-cart',
      baggage: has ? 'x-infr-flowtype=CE_feat-cart,a=1' : 'x-infr-flowtype=CE_feat-cart',
    });
  });

  it('hands the very options of an uncolored call on', async () => {
    const dispatched: unknown[] = [];
    class Fallback extends Agent {
      override dispatch(options: Agent.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
        dispatched.push(options.headers);
        return super.dispatch(options, handler);
      }
    }
    const fallback = new Fallback();
    closing.push(() => fallback.close());
    const foreign = await fleet.serve('foreign');
    const headers = { 'x-mine': '1' };
    await request(`http://127.0.0.1:${foreign.port}/`, {
      dispatcher: coloredDispatcher(coloringOf(), { fallback }),
      headers,
    });
    expect(dispatched[0]).toBe(headers);
  });

  it('works with handlers of the newer form', async () => {
    const coloring = coloringOf();
    const cart = await fleet.start(coloring, 'stock', { color: 'feat-cart' });
    coloring.put(recordOf('dead', 'stock', await freePort(), 'feat-cart'));
    const dispatcher = coloredDispatcher(coloring, { services: ['nobody'] });
    const call = (origin: string) =>
      new Promise<string>((resolve, reject) => {
        const chunks: Buffer[] = [];
        dispatcher.dispatch(
          { origin, path: '/x', method: 'GET' },
          {
            onRequestStart: () => {},
            onResponseStart: () => {},
            onResponseData: (_, chunk) => void chunks.push(chunk),
            onResponseEnd: () => resolve(Buffer.concat(chunks).toString()),
            onResponseError: (_, error) => reject(error),
          },
        );
      });
    for (let one = 0; one < 8; one++) {
      expect(JSON.parse(await withColor('feat-cart', () => call('http://stock'))).id).toBe(cart.id);
    }
    await expect(call('http://nobody')).rejects.toMatchObject({ code: 'COLORWAY_SERVICE_UNKNOWN' });
    await cart.kill();
    await expect(withColor('feat-cart', () => call('http://stock'))).rejects.toMatchObject({
      code: 'COLORWAY_INSTANCE_UNREACHABLE',
    });
  });

  it('streams up and down, and tries no stream twice that was touched', async () => {
    const coloring = coloringOf();
    const stock = await fleet.start(coloring, 'stock', {
      handler: (incoming, response) => void incoming.pipe(response),
    });
    const dispatcher = coloredDispatcher(coloring);
    const up = Readable.from(Array.from({ length: 100 }, (_, at) => `${at},`));
    const { body } = await request('http://stock/', { dispatcher, method: 'PUT', body: up });
    expect((await body.text()).split(',')).toHaveLength(101);
    const through = pipeline('http://stock/', { dispatcher, method: 'PUT' }, ({ body: down }) =>
      down.pipe(new PassThrough()),
    );
    through.end('piped');
    expect(await text(through)).toBe('piped');

    coloring.remove(stock.id);
    const breaking = await fleet.start(coloring, 'stock', {
      handler: (incoming) => incoming.socket.resetAndDestroy(),
    });
    await expect(
      request('http://stock/', { dispatcher, method: 'PUT', body: Readable.from(['x']) }),
    ).rejects.toBeDefined();
    expect(breaking.requests).toHaveLength(1);
  });

  it('sends a stream that was not touched to another instance', async () => {
    const coloring = coloringOf();
    coloring.put(recordOf('dead', 'stock', await freePort()));
    const alive = await fleet.start(coloring, 'stock');
    const dispatcher = coloredDispatcher(coloring);
    for (let one = 0; one < 6; one++) {
      const { body } = await request('http://stock/', {
        dispatcher,
        method: 'POST',
        body: Readable.from(['whole']),
      });
      expect(await body.json()).toMatchObject({ id: alive.id, body: 'whole' });
    }
  });

  it('gives a colored body the typed error when its instance breaks off in the middle', async () => {
    const coloring = coloringOf();
    const stock = await fleet.start(coloring, 'stock', {
      color: 'c',
      handler: (_, response) => void response.write('begin'),
    });
    const { body } = await withColor('c', () =>
      request('http://stock/', { dispatcher: coloredDispatcher(coloring) }),
    );
    void stock.kill();
    await expect(body.text()).rejects.toMatchObject({ code: 'COLORWAY_INSTANCE_UNREACHABLE' });
  });

  it("keeps undici's own timeouts, and tries nothing again after them", async () => {
    const coloring = coloringOf();
    const silent = await fleet.start(coloring, 'stock', { color: 'c', handler: () => {} });
    const dispatcher = coloredDispatcher(coloring);
    await expect(
      withColor('c', () => request('http://stock/', { dispatcher, headersTimeout: 20 })),
    ).rejects.toMatchObject({ code: 'UND_ERR_HEADERS_TIMEOUT' });
    expect(silent.requests).toHaveLength(1);
  });

  it('stops after two retries, and when the budget is spent', async () => {
    const coloring = coloringOf();
    const breaking = await fleet.start(coloring, 'stock', {
      handler: (incoming) => incoming.socket.resetAndDestroy(),
    });
    const dispatcher = coloredDispatcher(coloring, {
      balancing: { retry: { minPerSecond: 0.3, budget: 0 } },
    });
    await expect(request('http://stock/', { dispatcher })).rejects.toBeDefined();
    expect(breaking.requests).toHaveLength(3);
    await expect(request('http://stock/', { dispatcher })).rejects.toBeDefined();
    expect(breaking.requests).toHaveLength(5);
  });

  it('takes an instance that answers 503 out, inside its color, and never the last', async () => {
    const coloring = coloringOf();
    const unwell = {
      handler: (_: unknown, response: { writeHead(status: number): { end(): void } }) =>
        response.writeHead(503).end(),
    };
    const bad = await fleet.start(coloring, 'stock', { color: 'c', ...unwell });
    const good = await fleet.start(coloring, 'stock', { color: 'c' });
    const base = await fleet.start(coloring, 'stock');
    const dispatcher = coloredDispatcher(coloring);
    const call = () =>
      withColor('c', async () => (await request('http://stock/', { dispatcher })).body.dump());
    for (let one = 0; one < 50; one++) await call();
    const seen = bad.requests.length;
    expect(seen).toBeLessThanOrEqual(6);
    coloring.remove(good.id);
    for (let one = 0; one < 10; one++) await call();
    expect(bad.requests.length).toBe(seen + 10);
    expect(base.requests).toHaveLength(0);
  });

  it("hides the color from OpenTelemetry's instrumentation of undici, and from nobody else: it is on the wire already, or is not to be", async () => {
    const coloring = coloringOf();
    await fleet.start(coloring, 'stock');
    const foreign = await fleet.serve('foreign');
    const dispatcher = coloredDispatcher(coloring);
    const seen: unknown[] = [];
    /* Where the instrumentation injects the active context's baggage. */
    const listen = () => void seen.push(activeColor());
    subscribe('undici:request:create', listen);
    const after = await withColor('c', async () => {
      const { body } = await request(`http://127.0.0.1:${foreign.port}/`, { dispatcher });
      await body.dump();
      await (await request('http://stock/', { dispatcher })).body.dump();
      return activeColor();
    });
    unsubscribe('undici:request:create', listen);
    expect(seen).toEqual([undefined, undefined]);
    expect(after).toBe('c');
  });

  it('gives up waiting for the directory when the caller aborts', async () => {
    const dispatcher = coloredDispatcher(coloringOf({ answered: false, directoryTimeoutMs: 5_000 }));
    await expect(
      request('http://stock/', { dispatcher, signal: AbortSignal.timeout(20) }),
    ).rejects.toMatchObject({ name: 'TimeoutError' });
  });

  it('notices a lost context, and says where and what to do', async () => {
    const coloring = coloringOf({ contextLoss: 'log' });
    await fleet.start(coloring, 'stock');
    const dispatcher = coloredDispatcher(coloring);
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    await request('http://stock/', { dispatcher });
    expect(warn).not.toHaveBeenCalled();
    coloring.inFlight.begin(true);
    await request('http://stock/', { dispatcher });
    await request('http://stock/', { dispatcher });
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(
      expect.stringContaining('bind()'),
      expect.objectContaining({ detail: expect.stringContaining('undici.test') }),
    );
    warn.mockRestore();
    const bound = withColor('c', () => bind(() => coloring.activeColor()));
    expect(bound()).toBe('c');
  });

  it('accepts and replaces several carrier names', async () => {
    const coloring = coloringOf({
      carriers: { headers: ['x-env', 'x-old'], baggageKeys: ['env', 'old'], prefixes: [''] },
    });
    await fleet.start(coloring, 'stock');
    const dispatcher = coloredDispatcher(coloring);
    const headers = { 'x-old': 'evil', 'X-Env': 'evil', baggage: 'old=evil,env=evil,a=1' };
    const { body } = await withColor('c', () => request('http://stock/', { dispatcher, headers }));
    const got = (await body.json()) as Echo;
    expect(got.headers).toMatchObject({ 'x-env': 'c', baggage: 'env=c,a=1' });
    expect(got.headers).not.toHaveProperty('x-old');
  });

  it('leaves the fallback open, and closes and destroys its own pools', async () => {
    const coloring = coloringOf();
    const stock = await fleet.start(coloring, 'stock', {
      handler: (incoming, response) => void (incoming.url === '/' && response.end()),
    });
    const fallback = new Agent();
    closing.push(() => fallback.close());
    const dispatcher = coloredDispatcher(coloring, { fallback });
    await (await request('http://stock/', { dispatcher })).body.dump();
    const hanging = request('http://stock/hang', { dispatcher });
    hanging.catch(() => {});
    while (stock.requests.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    await dispatcher.destroy();
    await expect(hanging).rejects.toMatchObject({ code: 'UND_ERR_DESTROYED' });
    await dispatcher.close();
    expect(fallback.closed).toBe(false);
    await expect(request('http://stock/', { dispatcher })).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
  });

  it('gives the error of undici for what is no URL, and for a bad request', async () => {
    const coloring = coloringOf();
    await fleet.start(coloring, 'stock');
    const dispatcher = coloredDispatcher(coloring);
    await expect(
      dispatcher.request({ path: '/', method: 'GET' } as Dispatcher.RequestOptions),
    ).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
    await expect(
      dispatcher.request({ origin: 'http://stock', path: 'no slash', method: 'GET' }),
    ).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
    await expect(
      withColor('c', () =>
        dispatcher.request({
          origin: 'http://stock',
          path: '/',
          method: 'GET',
          headers: { 'bad name': 'x' },
        }),
      ),
    ).rejects.toMatchObject({ code: 'UND_ERR_INVALID_ARG' });
  });
});
