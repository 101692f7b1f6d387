import { withColor } from '@colorway/core';
import { coloredFetch } from '@colorway/http/fetch';
import { Agent, type Dispatcher, fetch as undiciFetch } from 'undici';
import { FakeColoring } from '../support/fake-coloring.js';
import { type Echo, Fleet } from '../support/fleet.js';

describe.each([
  ["Node's", undefined],
  ["undici's", undiciFetch as unknown as typeof fetch],
])('coloredFetch over %s fetch', (_, over) => {
  const fleet = new Fleet();
  const colorings: FakeColoring[] = [];

  afterEach(async () => {
    await Promise.all(colorings.splice(0).map((coloring) => coloring.close()));
    await fleet.close();
  });

  function setUp(options: Partial<Parameters<typeof coloredFetch>[1]> = {}) {
    const coloring = new FakeColoring();
    colorings.push(coloring);
    return { coloring, fetch: coloredFetch(coloring, { ...options, ...(over && { fetch: over }) }) };
  }

  it('decides each redirect anew, and leaves the color behind for a foreign host', async () => {
    const { coloring, fetch } = setUp();
    const foreign = await fleet.serve('foreign');
    const price = await fleet.start(coloring, 'price', { color: 'c' });
    await fleet.start(coloring, 'price');
    await fleet.start(coloring, 'stock', {
      color: 'c',
      handler: (request, response) => {
        const to: Record<string, string> = {
          '/out': `http://127.0.0.1:${foreign.port}/x`,
          '/price': 'http://price/y',
          '/here': '/there',
        };
        const location = to[request.url ?? ''];
        if (location === undefined)
          response.end(`${request.headers.host} ${request.headers['x-infr-flowtype']}`);
        else response.writeHead(302, { location }).end();
      },
    });
    const get = (url: string) => withColor('c', () => fetch(url));
    const out = await get('http://stock/out');
    expect(((await out.json()) as Echo).headers).not.toHaveProperty('x-infr-flowtype');
    expect((await (await get('http://stock/price')).json()) as Echo).toMatchObject({
      id: price.id,
      headers: { 'x-infr-flowtype': 'CE_c' },
    });
    const here = await get('http://stock/here');
    expect([here.url, here.redirected, await here.text()]).toEqual([
      'http://stock/there',
      true,
      'stock CE_c',
    ]);
  });

  it('keeps url, streams up and down, and Request objects', async () => {
    const { coloring, fetch } = setUp();
    await fleet.start(coloring, 'stock', { handler: (request, response) => void request.pipe(response) });
    const body = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('stream'));
        controller.close();
      },
    });
    const response = await fetch('http://stock/items?a=1', {
      method: 'POST',
      body,
      duplex: 'half',
    } as RequestInit);
    expect([response.url, await response.text()]).toEqual(['http://stock/items?a=1', 'stream']);
    if (over === undefined)
      expect(await (await fetch(new Request('http://stock/', { method: 'PUT', body: 'x' }))).text()).toBe(
        'x',
      );
  });

  it('is abortable before, during and after the headers, and never changes the options', async () => {
    const { coloring, fetch } = setUp();
    await fleet.start(coloring, 'stock', {
      color: 'c',
      handler: (request, response) => void (request.url === '/begin' && response.write('x')),
    });
    const call = (url: string, signal: AbortSignal) =>
      withColor('c', () => fetch(url, Object.freeze({ signal })));
    await expect(call('http://stock/', AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
    await expect(call('http://stock/', AbortSignal.timeout(30))).rejects.toMatchObject({
      name: 'TimeoutError',
    });
    const controller = new AbortController();
    const response = await call('http://stock/begin', controller.signal);
    controller.abort(); // not by the clock: a busy machine takes its time for the headers
    await expect(response.text()).rejects.toMatchObject({ name: 'AbortError' });
  });

  it("uses the call's dispatcher for foreign hosts", async () => {
    const { coloring, fetch } = setUp();
    const stock = await fleet.start(coloring, 'stock');
    const foreign = await fleet.serve('foreign');
    let dispatched = 0;
    class Own extends Agent {
      override dispatch(options: Agent.DispatchOptions, handler: Dispatcher.DispatchHandler): boolean {
        dispatched++;
        return super.dispatch(options, handler);
      }
    }
    const dispatcher = new Own();
    const init = { dispatcher } as unknown as RequestInit;
    expect(((await (await fetch('http://stock/', init)).json()) as Echo).id).toBe(stock.id);
    expect(dispatched).toBe(0);
    expect(((await (await fetch(`http://127.0.0.1:${foreign.port}/`, init)).json()) as Echo).id).toBe(
      foreign.id,
    );
    expect(dispatched).toBe(1);
    await dispatcher.close();
  });

  it('gives the errors of fetch for what fetch refuses', async () => {
    const { fetch } = setUp();
    await expect(fetch('no url')).rejects.toThrow(/URL/);
    await expect(fetch('ftp://stock/')).rejects.toThrow('fetch failed');
  });
});
