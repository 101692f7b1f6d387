import http, {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { coloredAgent } from '@colorway/http/agent';
import { coloredServer } from '@colorway/http/node';
import { coloredDispatcher } from '@colorway/http/undici';
import fastify from 'fastify';
import { FakeColoring } from '../support/fake-coloring.js';
import { Fleet, type Running } from '../support/fleet.js';

type Proxy = (request: IncomingMessage, response: ServerResponse, next?: unknown) => void;

/** Gateways that copy all headers, in both directions. */
const closing: (() => Promise<unknown>)[] = [];
const GATEWAYS: Record<string, (coloring: FakeColoring) => Promise<RequestListener>> = {
  async 'http-proxy'(coloring) {
    const { createProxyServer } = jest.requireActual<{
      createProxyServer(options: object): { web: Proxy };
    }>('http-proxy');
    const proxy = createProxyServer({ target: 'http://stock', agent: coloredAgent(coloring) });
    return (request, response) => proxy.web(request, response, {});
  },
  async 'http-proxy-middleware'(coloring) {
    const { createProxyMiddleware } = jest.requireActual<{ createProxyMiddleware(options: object): Proxy }>(
      'http-proxy-middleware',
    );
    return createProxyMiddleware({ target: 'http://stock', agent: coloredAgent(coloring) });
  },
  async '@fastify/reply-from'(coloring) {
    const app = fastify();
    closing.push(() => app.close());
    app.register(jest.requireActual<never>('@fastify/reply-from'), {
      base: 'http://stock',
      undici: coloredDispatcher(coloring),
    });
    app.all('/*', (_, reply) => (reply as unknown as { from(path: string): unknown }).from('/'));
    await app.ready();
    return (request, response) => void app.routing(request, response);
  },
};

const COPIED = [
  ['x-infr-flowtype', 'CE_red'],
  ['baggage', 'user=7,x-infr-flowtype=CE_red'],
  ['x-colorway-wanted', 'gateway/'],
] as const;
const BEHIND = 'depot;desc="red 10.0.0.9:3004 colored"';

describe.each(Object.keys(GATEWAYS))('a gateway on %s', (name) => {
  const fleet = new Fleet();
  let coloring: FakeColoring;
  let gateway: http.Server;
  let red: Running;
  let base: Running;

  async function start(accept: 'all' | 'none'): Promise<void> {
    coloring = new FakeColoring({ service: 'gateway' });
    const handler: RequestListener = (request, response) => {
      request.resume();
      response.setHeader('server-timing', [`db;dur=2, ${BEHIND}`, BEHIND]).end('served');
    };
    red = await fleet.start(coloring, 'stock', { color: 'red', handler });
    base = await fleet.start(coloring, 'stock', { handler });
    const listener = await (GATEWAYS[name] as (typeof GATEWAYS)[string])(coloring);
    gateway = coloredServer(coloring, createServer(listener), { accept });
    await new Promise<void>((resolve) => gateway.listen(0, '127.0.0.1', resolve));
  }
  afterEach(async () => {
    gateway.closeAllConnections();
    gateway.close();
    await Promise.all(closing.splice(0).map((close) => close()));
    await coloring.close();
    await fleet.close();
  });

  function get(): Promise<{ status: number; timing: string; body: string }> {
    const { port } = gateway.address() as AddressInfo;
    const headers = Object.fromEntries(COPIED);
    return new Promise((resolve, reject) => {
      http
        .get({ port, headers, agent: false }, async (response) =>
          resolve({
            status: response.statusCode ?? 0,
            timing: String(response.headers['server-timing']),
            body: await text(response),
          }),
        )
        .on('error', reject);
    });
  }

  function lines({ requests }: Running, header: string): string[] {
    const raw = requests.at(-1)?.rawHeaders ?? [];
    return raw.filter((_, at) => at % 2 === 1 && raw[at - 1]?.toLowerCase() === header);
  }

  it('sends each header once, and tells each hop once', async () => {
    await start('all');
    const { status, timing, body } = await get();
    expect({ status, body }).toEqual({ status: 200, body: 'served' });
    expect(lines(red, 'x-infr-flowtype')).toEqual(['CE_red']);
    expect(lines(red, 'baggage')).toEqual(['x-infr-flowtype=CE_red,user=7']);
    expect(lines(red, 'x-colorway-wanted')).toEqual(['stock/red']);
    const entries = timing.split(', ');
    expect(entries.filter((entry) => entry === BEHIND)).toHaveLength(2);
    expect(entries.filter((entry) => entry.startsWith('stock;'))).toHaveLength(1);
    expect(entries.filter((entry) => entry.startsWith('db;'))).toHaveLength(1);
    expect(entries).toHaveLength(4);
  });

  it('lets no color in that its policy refuses, though it copies the headers', async () => {
    await start('none');
    expect(await get()).toMatchObject({ status: 200, body: 'served' });
    expect(red.requests).toHaveLength(0);
    expect(lines(base, 'x-infr-flowtype')).toEqual([]);
    expect(lines(base, 'baggage')).toEqual(['user=7']);
    expect(lines(base, 'x-colorway-wanted')).toEqual(['stock/']);
  });
});
