import {
  createServer,
  get,
  type IncomingMessage,
  type OutgoingHttpHeaders,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { activeColor, extractedFlowType, resolveCarrierNames, runInContext } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { coloredAgent } from '@colorway/http/agent';
import { coloredServer } from '@colorway/http/node';
import { coloredDispatcher } from '@colorway/http/undici';
import { defaultTextMapGetter, ROOT_CONTEXT } from '@opentelemetry/api';
import { CompositePropagator, W3CBaggagePropagator } from '@opentelemetry/core';
import { JaegerPropagator } from '@opentelemetry/propagator-jaeger';
import fc from 'fast-check';
import fastify from 'fastify';
import { CLIENTS } from '../../packages/http/test/support/clients.js';
import { FakeColoring } from '../../packages/http/test/support/fake-coloring.js';
import { recordOf } from '../../packages/http/test/support/fleet.js';
import { stampMessage } from '../../packages/mq/src/message/index.js';

setupContext();
jest.setTimeout(60_000);

type Proxy = (request: IncomingMessage, response: ServerResponse, next?: unknown) => void;
type Copying = (coloring: FakeColoring, service: string) => Promise<RequestListener>;

const closing: (() => unknown)[] = [];

/** What copies the headers of the request in hand into a call: clients by hand, and proxies. */
const COPYING: Record<string, Copying> = {
  ...Object.fromEntries(
    CLIENTS.map(({ name, make }): [string, Copying] => [
      name,
      async (coloring, service) => {
        const call = make(coloring);
        return (request, response) => {
          const { host: _host, connection: _connection, ...headers } = request.headers;
          call(`http://${service}/`, { headers: headers as Record<string, string> }).then(
            () => response.end(),
            (error) => response.writeHead(500).end(String(error)),
          );
        };
      },
    ]),
  ),
  async 'http-proxy'(coloring, service) {
    const { createProxyServer } = jest.requireActual<{ createProxyServer(options: object): { web: Proxy } }>(
      'http-proxy',
    );
    const proxy = createProxyServer({ target: `http://${service}`, agent: coloredAgent(coloring) });
    return (request, response) => proxy.web(request, response, {});
  },
  async 'http-proxy-middleware'(coloring, service) {
    const { createProxyMiddleware } = jest.requireActual<{ createProxyMiddleware(options: object): Proxy }>(
      'http-proxy-middleware',
    );
    return createProxyMiddleware({ target: `http://${service}`, agent: coloredAgent(coloring) });
  },
  async '@fastify/reply-from'(coloring, service) {
    const app = fastify();
    closing.push(() => app.close());
    app.register(jest.requireActual<never>('@fastify/reply-from'), {
      base: `http://${service}`,
      undici: coloredDispatcher(coloring),
    });
    app.all('/*', (_, reply) => (reply as unknown as { from(path: string): unknown }).from('/'));
    await app.ready();
    return (request, response) => void app.routing(request, response);
  },
};

const KEY = 'x-infr-flowtype';
const hex = (letter: string) => letter.charCodeAt(0).toString(16);
const letter = (one: string) => fc.constantFrom(one, one, one, `%${hex(one)}`, `%${hex(one).toUpperCase()}`);
const padding = fc.array(fc.constantFrom(' ', '\t', '+', '%20', '%09', '%2B', '%C2%A0'), { maxLength: 3 });
/** The key in any spelling that a propagator of Node, Java, Python, Go or .NET reads. */
const spelled = fc
  .tuple(padding, fc.tuple(...Array.from(KEY, letter)), padding)
  .map(([before, key, after]) => [...before, ...key, ...after].join(''));
const member = fc
  .tuple(spelled, fc.constantFrom('CE_evil', ' CE_evil ', 'CE%5Fevil', 'CE_evil;p=1'))
  .map(([key, value]) => `${key}=${value}`);
const others = fc.constantFrom('a=1', 'user=7;p', '%=%', 'b=%zz', '');
const members = fc
  .array(fc.oneof(member, others), { minLength: 1, maxLength: 4 })
  .map((all) => all.join(','));
const anyCase = (name: string) =>
  fc
    .array(fc.boolean(), { minLength: name.length, maxLength: name.length })
    .map((upper) => Array.from(name, (one, at) => (upper[at] ? one.toUpperCase() : one)).join(''));
const line = fc.oneof(
  fc.tuple(anyCase(KEY), fc.constantFrom('CE_evil', 'CE_evil, CE_evil', 'CE_', 'evil')),
  fc.tuple(anyCase('dmq_env_tag'), fc.constantFrom('evil', 'evil;')),
  fc.tuple(anyCase('baggage'), members),
  fc.tuple(anyCase('jaeger-baggage'), members),
  ...['uberctx-', 'ot-baggage-', 'baggage-', 'baggage_'].map((prefix) =>
    fc.tuple(anyCase(prefix + KEY), fc.constantFrom('CE_evil', 'CE%5Fevil')),
  ),
);
const requests = fc.array(line, { minLength: 1, maxLength: 5 });

const propagator = new CompositePropagator({
  propagators: [new W3CBaggagePropagator(), new JaegerPropagator()],
});
const names = resolveCarrierNames();

/** Of a request with these header lines, as they stand. */
function statusOf(port: number, lines: readonly (readonly string[])[]): Promise<number | undefined> {
  const headers = ['host', 'gateway', ...lines.flat()] as unknown as OutgoingHttpHeaders;
  return new Promise((resolve, reject) => {
    get({ host: '127.0.0.1', port, agent: false, headers }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode));
    }).on('error', reject);
  });
}

/** As an OpenTelemetry instrumentation does: what runs in front of the middleware has what was extracted. */
function instrument(server: Server, inFront: () => void): void {
  const emit = server.emit as (this: Server, event: string, ...args: unknown[]) => boolean;
  server.emit = function (this: Server, event: string, ...args: unknown[]) {
    if (event !== 'request') return emit.call(this, event, ...args);
    const { headers } = args[0] as IncomingMessage;
    return runInContext(propagator.extract(ROOT_CONTEXT, headers, defaultTextMapGetter), () => {
      inFront();
      return emit.call(this, event, ...args);
    });
  } as typeof server.emit;
}

describe.each(Object.keys(COPYING))('a color that the edge refuses is nowhere behind it: %s', (name) => {
  const seen: string[] = [];
  const servers: Server[] = [];
  const colorings: FakeColoring[] = [];
  let port: number;

  async function serve(server: Server): Promise<number> {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }

  /** Notes every color of a request, of its context, and of a message into which its headers are copied. */
  function noted(copy: RequestListener, isEdge: boolean): RequestListener {
    return (request, response) => {
      const message = stampMessage({ ...request.headers }, undefined, names);
      const extracted = propagator.extract(ROOT_CONTEXT, request.headers, defaultTextMapGetter);
      if (activeColor() !== undefined) seen.push(`context ${activeColor()}`);
      if (/evil/i.test(JSON.stringify(message))) seen.push(`message ${JSON.stringify(message)}`);
      if (!isEdge) {
        const raw = request.rawHeaders.join('\n');
        if (/evil/i.test(raw)) seen.push(`headers ${raw}`);
        if (extractedFlowType(extracted, names) !== undefined) seen.push(`extracted from ${raw}`);
      }
      copy(request, response);
    };
  }

  beforeAll(async () => {
    const [gateway, stock, depot] = ['gateway', 'stock', 'depot'].map(
      (service) => new FakeColoring({ service }),
    ) as [FakeColoring, FakeColoring, FakeColoring];
    colorings.push(gateway, stock, depot);
    const copying = COPYING[name] as Copying;
    const answering: RequestListener = (_, response) => response.end();
    const last = await serve(coloredServer(depot, createServer(noted(answering, false))));
    stock.put(recordOf('depot-1', 'depot', last));
    const toDepot = await copying(stock, 'depot');
    const middle = await serve(coloredServer(stock, createServer(noted(toDepot, false))));
    gateway.put(recordOf('stock-1', 'stock', middle));
    const toStock = await copying(gateway, 'stock');
    const edge = coloredServer(gateway, createServer(noted(toStock, true)), { accept: 'none' });
    instrument(edge, () => {
      if (activeColor() !== undefined) seen.push(`in front ${activeColor()}`);
    });
    port = await serve(edge);
  });
  afterAll(async () => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
    await Promise.all(closing.splice(0).map((close) => close()));
    await Promise.all(colorings.splice(0).map((coloring) => coloring.close()));
  });

  it('any spelling in any carrier, three hops with copied headers', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async (lines) => {
        seen.length = 0;
        expect(await statusOf(port, lines)).toBe(200);
        expect(seen).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});
