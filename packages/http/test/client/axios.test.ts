import http from 'node:http';
import { text } from 'node:stream/consumers';
import { isColorwayError, withColor } from '@colorway/core';
import { coloredAxios } from '@colorway/http/axios';
import { AxiosError, create } from 'axios';
import { FakeColoring } from '../support/fake-coloring.js';
import { type Echo, Fleet, freePort, recordOf } from '../support/fleet.js';

describe('coloredAxios', () => {
  const fleet = new Fleet();
  const colorings: FakeColoring[] = [];

  afterEach(async () => {
    await Promise.all(colorings.splice(0).map((coloring) => coloring.close()));
    await fleet.close();
    delete process.env.HTTP_PROXY;
  });

  function coloringOf(): FakeColoring {
    const coloring = new FakeColoring();
    colorings.push(coloring);
    return coloring;
  }

  it('works with baseURL, params, a body, interceptors and validateStatus, and changes nothing of the instance', async () => {
    const coloring = coloringOf();
    const stock = await fleet.start(coloring, 'stock');
    const instance = create({
      baseURL: 'http://stock/api',
      params: { a: 1 },
      validateStatus: (status) => status === 200,
    });
    const seen: string[] = [];
    instance.interceptors.request.use((config) => {
      seen.push('request');
      config.headers.set('x-intercepted', '1');
      return config;
    });
    instance.interceptors.response.use((response) => {
      seen.push('response');
      return response;
    });
    const { adapter } = instance.defaults;
    const client = coloredAxios(coloring, instance);
    const { data, status } = await client.post<Echo>('/items', { name: 'apple' });
    expect(status).toBe(200);
    expect(data).toMatchObject({
      id: stock.id,
      method: 'POST',
      url: '/api/items?a=1',
      body: '{"name":"apple"}',
      headers: { 'x-intercepted': '1' },
    });
    expect(seen).toEqual(['request', 'response']);
    expect(instance.defaults.adapter).toBe(adapter);
    expect(instance.interceptors.request).not.toBe(client.interceptors.request);
  });

  it('rejects with an AxiosError of the Colorway code, whose cause is the ColorwayError', async () => {
    const coloring = coloringOf();
    coloring.member('stock', 'c');
    const client = coloredAxios(coloring);
    const error = await withColor('c', () => client.get('http://stock/')).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(AxiosError);
    expect(error.code).toBe('COLORWAY_MEMBER_DOWN');
    expect(isColorwayError(error.cause)).toBe(true);
    expect(error.config.url).toBe('http://stock/');
    coloring.put(recordOf('dead', 'stock', await freePort(), 'c'));
    const unreachable = await withColor('c', () => client.get('http://stock/')).catch((thrown) => thrown);
    expect(unreachable).toMatchObject({
      code: 'COLORWAY_INSTANCE_UNREACHABLE',
      isAxiosError: true,
      cause: { cause: { code: 'ECONNREFUSED' } },
    });
  });

  it('keeps timeouts, HTTP errors and streams as they are', async () => {
    const coloring = coloringOf();
    const stock = await fleet.start(coloring, 'stock', {
      color: 'c',
      handler: (request, response) =>
        void (
          request.url === '/silent' || response.writeHead(request.url === '/404' ? 404 : 200).end('body')
        ),
    });
    const client = coloredAxios(coloring, create({ baseURL: 'http://stock' }));
    await expect(withColor('c', () => client.get('/silent', { timeout: 30 }))).rejects.toMatchObject({
      code: 'ECONNABORTED',
    });
    expect(stock.requests).toHaveLength(1);
    await expect(withColor('c', () => client.get('/404'))).rejects.toMatchObject({
      response: { status: 404, data: 'body' },
    });
    const { data } = await withColor('c', () => client.get('/', { responseType: 'stream' }));
    expect(await text(data)).toBe('body');
  });

  it('decides redirects anew, and leaves the color behind for a foreign host', async () => {
    const coloring = coloringOf();
    const foreign = await fleet.serve('foreign');
    const price = await fleet.start(coloring, 'price', { color: 'c' });
    await fleet.start(coloring, 'price');
    await fleet.start(coloring, 'stock', {
      color: 'c',
      handler: (request, response) =>
        response
          .writeHead(302, {
            location: request.url === '/out' ? `http://127.0.0.1:${foreign.port}/` : 'http://price/',
          })
          .end(),
    });
    const client = coloredAxios(coloring, create({ baseURL: 'http://stock' }));
    const out = await withColor('c', () => client.get<Echo>('/out'));
    expect(out.data.id).toBe(foreign.id);
    expect(out.data.headers).not.toHaveProperty('x-infr-flowtype');
    expect((await withColor('c', () => client.get<Echo>('/'))).data).toMatchObject({
      id: price.id,
      headers: { 'x-infr-flowtype': 'CE_c' },
    });
    await expect(withColor('c', () => client.get('/', { maxRedirects: 0 }))).rejects.toMatchObject({
      response: { status: 302 },
    });
  });

  it('calls services past a proxy, and foreign hosts with the agent of the configuration', async () => {
    const coloring = coloringOf();
    const proxy = await fleet.serve('proxy');
    const stock = await fleet.start(coloring, 'stock');
    process.env.HTTP_PROXY = `http://127.0.0.1:${proxy.port}`;
    let asked = 0;
    class Own extends http.Agent {
      addRequest(request: unknown, options: unknown): void {
        asked++;
        (
          http.Agent.prototype as unknown as { addRequest(request: unknown, options: unknown): void }
        ).addRequest.call(this, request, options);
      }
    }
    const client = coloredAxios(coloring, create({ httpAgent: new Own() }));
    expect((await client.get<Echo>('http://stock/')).data.id).toBe(stock.id);
    expect(asked).toBe(0);
    const { data } = await withColor('c', () => client.get<Echo>('http://shop.example/'));
    expect(data.id).toBe(proxy.id);
    expect(data.headers).not.toHaveProperty('x-infr-flowtype');
    expect(asked).toBe(1);
  });

  it('decides between proxy and service anew for each redirect', async () => {
    const coloring = coloringOf();
    const to =
      (location: string): http.RequestListener =>
      (_, response) =>
        response.writeHead(302, { location }).end();
    const proxy = await fleet.serve('proxy', {
      handler(request, response) {
        if (request.url === 'http://shop.example/to-stock') to('http://stock/after?a=1')(request, response);
        else response.end(JSON.stringify({ id: 'proxy', url: request.url, headers: request.headers }));
      },
    });
    const stock = await fleet.start(coloring, 'stock', { color: 'c' });
    await fleet.start(coloring, 'billing', { handler: to('http://shop.example/x') });
    process.env.HTTP_PROXY = `http://user:secret@127.0.0.1:${proxy.port}`;
    const client = coloredAxios(coloring);
    const get = (url: string) => withColor('c', async () => (await client.get<Echo>(url)).data);
    const routed = await get('http://shop.example/to-stock');
    expect(routed).toMatchObject({
      id: stock.id,
      url: '/after?a=1',
      headers: { host: 'stock', 'x-infr-flowtype': 'CE_c' },
    });
    expect(routed.headers).not.toHaveProperty('proxy-authorization');
    const foreign = await get('http://billing/');
    expect(foreign).toMatchObject({ id: 'proxy', url: 'http://shop.example/x' });
    expect(foreign.headers).not.toHaveProperty('x-infr-flowtype');
    expect(foreign.headers).not.toHaveProperty('x-colorway-wanted');
    expect(await get('http://stock/direct')).toMatchObject({ id: stock.id, url: '/direct' });
  });
});
