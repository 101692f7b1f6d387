import http from 'node:http';
import { withColor } from '@colorway/core';
import { serviceAuth } from '@colorway/http/auth';
import { coloredAxios } from '@colorway/http/axios';
import { coloredFetch } from '@colorway/http/fetch';
import { coloredDispatcher } from '@colorway/http/undici';
import { create } from 'axios';
import { Agent, interceptors, request, fetch as undiciFetch } from 'undici';
import { FakeColoring } from '../support/fake-coloring.js';
import { Fleet, type Running } from '../support/fleet.js';

/** Whoever is called outside answers with a redirect to a service. */
const secret = serviceAuth({ secret: 'a secret of at least thirty-two bytes' });

/** What is reached where a host is looked up as without Colorway; that of the outside world, here. */
function outsideAt(port: () => number): Agent {
  const lookup = (_host: string, _options: unknown, done: (error: null, addresses: object[]) => void) =>
    done(null, [{ address: '127.0.0.1', family: 4 }]);
  return new Agent({ connect: { lookup: lookup as never } as never }).compose(
    (dispatch) => (options, handler) => {
      const url = new URL(String(options.origin));
      url.port = String(port());
      return dispatch({ ...options, origin: url.origin }, handler);
    },
  ) as unknown as Agent;
}

type Get = (url: string) => Promise<string>;
type Make = (coloring: FakeColoring, outside: Agent, port: () => number, auth?: typeof secret) => Get;
/** An option that is left out. */
const given = (auth: typeof secret | undefined) => auth && { auth };
const CLIENTS: Record<string, Make> = {
  "fetch (Node's)": (coloring, _outside, _port, auth) => {
    const fetch = coloredFetch(coloring, { ...given(auth) });
    return async (url) => (await fetch(url)).text();
  },
  "fetch (undici's)": (coloring, outside, _port, auth) => {
    const fetch = coloredFetch(coloring, {
      ...given(auth),
      fallback: outside,
      fetch: undiciFetch as unknown as typeof globalThis.fetch,
    });
    return async (url) => (await fetch(url)).text();
  },
  'undici, with its redirect interceptor': (coloring, outside, _port, auth) => {
    const dispatcher = coloredDispatcher(coloring, { ...given(auth), fallback: outside }).compose(
      interceptors.redirect({ maxRedirections: 5 }),
    );
    return async (url) => (await request(url, { dispatcher })).body.text();
  },
  axios: (coloring, _outside, port, auth) => {
    const httpAgent = new http.Agent();
    const { createConnection } = httpAgent as unknown as {
      createConnection(options: object, done: unknown): unknown;
    };
    Object.assign(httpAgent, {
      createConnection: (options: object, done: unknown) =>
        createConnection.call(httpAgent, { ...options, host: '127.0.0.1', port: port() }, done),
    });
    const client = coloredAxios(coloring, create({ httpAgent, responseType: 'text' }), {
      ...given(auth),
    });
    return async (url) => (await client.get(url)).data;
  },
};

describe.each(Object.keys(CLIENTS))('%s', (name) => {
  const fleet = new Fleet();
  let coloring: FakeColoring;
  let outside: Running;
  let stock: Running;
  let red: Running;
  let get: Get;
  let getUnsigned: Get;
  let agent: Agent;

  beforeEach(async () => {
    coloring = new FakeColoring({ service: 'order' });
    outside = await fleet.serve('outside', {
      handler: (incoming, response) => {
        const to = new URL(incoming.url ?? '/', 'http://shop.example').searchParams.get('to');
        if (to === null) response.end('outside');
        else response.writeHead(302, { location: to }).end();
      },
    });
    const redirecting: http.RequestListener = (incoming, response) => {
      const to = new URL(incoming.url ?? '/', 'http://stock').searchParams.get('to');
      if (to === null) response.end('stock');
      else response.writeHead(302, { location: to }).end();
    };
    stock = await fleet.start(coloring, 'stock', { handler: redirecting });
    red = await fleet.start(coloring, 'stock', { color: 'red', handler: redirecting });
    agent = outsideAt(() => outside.port);
    const make = CLIENTS[name] as Make;
    get = make(coloring, agent, () => outside.port, secret);
    getUnsigned = make(coloring, agent, () => outside.port);
  });
  afterEach(async () => {
    await coloring.close();
    await agent.destroy();
    await fleet.close();
  });

  const to = (url: string) => encodeURIComponent(url);
  const headers = ({ requests }: Running) => requests.map((one) => Object.keys(one.headers));

  it('follows no redirect from outside into a service, and signs nothing that goes there', async () => {
    const first = `http://127.0.0.1:${outside.port}`;
    for (const color of [undefined, 'red']) {
      await withColor(color, () => get(`${first}/?to=${to('http://stock/admin')}`)).catch(() => {});
      // Back and forth changes nothing.
      const twice = `${first}/?to=${to(`${first}/?to=${to('http://stock/admin')}`)}`;
      await withColor(color, () => get(twice)).catch(() => {});
    }
    expect([stock.requests, red.requests].map(({ length }) => length)).toEqual([0, 0]);
    for (const names of headers(outside))
      expect(names.filter((one) => /signature|colorway|infr/.test(one))).toEqual([]);
  });

  it('follows one from a service to a service, signed and in its color, and one out and not back in', async () => {
    expect(await withColor('red', () => get(`http://stock/?to=${to('http://stock/items')}`))).toBe('stock');
    expect(red.requests).toHaveLength(2);
    for (const names of headers(red)) expect(names).toContain('signature');
    const out = `http://127.0.0.1:${outside.port}/?to=${to('http://stock/admin')}`;
    await get(`http://stock/?to=${to(out)}`).catch(() => {});
    expect(stock.requests).toHaveLength(1);
  });

  it('and a call after that is one of its own', async () => {
    await get(`http://127.0.0.1:${outside.port}/?to=${to('http://stock/admin')}`).catch(() => {});
    expect(await get('http://stock/')).toBe('stock');
  });

  it('a client that signs nothing decides it anew: into the service, in the color of the work in hand', async () => {
    const into = `http://127.0.0.1:${outside.port}/?to=${to('http://stock/items')}`;
    expect(await withColor('red', () => getUnsigned(into))).toBe('stock');
    expect(red.requests.map((one) => one.headers['x-infr-flowtype'])).toEqual(['CE_red']);
    expect(await getUnsigned(into)).toBe('stock');
    expect(stock.requests.map((one) => one.headers['x-infr-flowtype'])).toEqual([undefined]);
  });
});
