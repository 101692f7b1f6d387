import http from 'node:http';
import { withColor } from '@colorway/core';
import { coloredAgent } from '@colorway/http/agent';
import { serviceAuth } from '@colorway/http/auth';
import fc from 'fast-check';
import { FakeColoring } from '../support/fake-coloring.js';
import { RawServer } from '../support/raw-server.js';

const shape = fc.record({
  color: fc.constantFrom(undefined, 'red'),
  target: fc.constantFrom('service', 'foreign' as const),
  isLate: fc.boolean(),
  isSigned: fc.boolean(),
  headers: fc.constantFrom('object', 'list' as const),
  copied: fc.constantFrom('nothing', 'header', 'baggage', 'both' as const),
  copiesWanted: fc.boolean(),
  expects: fc.boolean(),
  hasLength: fc.boolean(),
  flushes: fc.boolean(),
  parts: fc.array(fc.constantFrom('a', 'first,', 'x'.repeat(3_000), 'GET / HTTP/1.1\r\n\r\n'), {
    maxLength: 3,
  }),
  isBinary: fc.boolean(),
  pauses: fc.boolean(),
});

type Shape = typeof shape extends fc.Arbitrary<infer T> ? T : never;

describe('what coloredAgent sends', () => {
  const server = new RawServer();
  let port = 0;

  beforeAll(async () => {
    port = await server.listen();
  });
  afterAll(() => server.close());

  async function send(sent: Shape): Promise<{ status: number; colorings: FakeColoring }> {
    const coloring = new FakeColoring({ answered: !sent.isLate, directoryTimeoutMs: 5_000 });
    for (const color of [undefined, 'red'])
      coloring.put({
        id: `stock-${color}`,
        service: 'stock',
        host: color === undefined ? '127.0.0.1' : 'localhost',
        port,
        startedAt: 0,
        metadata: color === undefined ? {} : { COLORING_ENV: color },
      });
    const fallback = new http.Agent();
    const toServer = fallback as http.Agent & { addRequest(request: unknown, options: object): void };
    const addRequest = toServer.addRequest.bind(toServer);
    toServer.addRequest = (request, options) => addRequest(request, { ...options, host: '127.0.0.1', port });
    const agent = coloredAgent(coloring, {
      fallback,
      ...(sent.isSigned ? { auth: serviceAuth({ secret: 's'.repeat(40) }) } : {}),
    });
    if (sent.isLate) setTimeout(() => coloring.answer(), 4);
    const host = sent.target === 'service' ? 'stock' : 'partner.example';
    const headers = headersOf(sent, host);
    const status = await withColor(
      sent.color,
      () =>
        new Promise<number>((resolve, reject) => {
          const request = http.request({
            method: 'POST',
            host,
            path: '/up',
            agent,
            headers: (sent.headers === 'list'
              ? headers.flat()
              : Object.fromEntries(headers)) as http.OutgoingHttpHeaders,
          });
          request.on('error', reject).on('response', (response) => {
            response.resume().on('end', () => resolve(response.statusCode ?? 0));
          });
          void write(request, sent);
        }),
    );
    agent.destroy();
    await coloring.close();
    return { status, colorings: coloring };
  }

  it('is one head with the right color, and the body as it was, whatever the request is like', async () => {
    await fc.assert(
      fc.asyncProperty(shape, async (sent) => {
        server.requests.length = 0;
        expect((await send(sent)).status).toBe(200);
        expect(server.requests).toHaveLength(1);
        const [{ head, headers, body, rest } = { head: '', headers: [], body: '', rest: '' }] =
          server.requests;
        expect({ body, rest }).toEqual({ body: sent.parts.join(''), rest: '' });
        expect(head.match(/POST \/up HTTP\/1\.1/g)).toHaveLength(1);
        const all = (name: string) => headers.filter(([one]) => one === name).map(([, value]) => value);
        const isRouted = sent.target === 'service';
        const flow = isRouted && sent.color !== undefined ? [`CE_${sent.color}`] : [];
        expect(all('x-infr-flowtype')).toEqual(flow);
        const baggage = [...flow.map((text) => `x-infr-flowtype=${text}`)];
        if (sent.copied === 'baggage' || sent.copied === 'both') baggage.push('a=1');
        expect(all('baggage').join().split(',').filter(Boolean).sort()).toEqual(baggage.sort());
        expect(all('baggage').length).toBeLessThanOrEqual(1);
        expect(all('x-colorway-wanted')).toEqual(isRouted ? [`stock/${sent.color ?? ''}`] : []);
        expect(all('signature')).toHaveLength(isRouted && sent.isSigned ? 1 : 0);
        expect(all('x-mine')).toEqual(['1']);
      }),
      { numRuns: 250 },
    );
  }, 60_000);
});

function headersOf(
  { copied, copiesWanted, expects, hasLength, parts }: Shape,
  host: string,
): [string, string][] {
  const headers: [string, string][] = [
    ['Host', host],
    ['X-Mine', '1'],
  ];
  if (copied === 'header' || copied === 'both') headers.push(['X-Infr-Flowtype', 'CE_blue']);
  if (copied === 'baggage' || copied === 'both') headers.push(['baggage', 'a=1,x-infr-flowtype=CE_blue']);
  if (copiesWanted) headers.push(['x-colorway-wanted', 'gateway/blue']);
  if (expects) headers.push(['Expect', '100-continue']);
  if (hasLength) headers.push(['Content-Length', String(parts.join('').length)]);
  else headers.push(['Transfer-Encoding', 'chunked']);
  return headers;
}

async function write(
  request: http.ClientRequest,
  { parts, flushes, isBinary, pauses }: Shape,
): Promise<void> {
  if (flushes) request.flushHeaders();
  for (const part of parts) {
    if (pauses) await new Promise((resolve) => setTimeout(resolve, 2));
    request.write(isBinary ? Buffer.from(part) : part);
  }
  request.end();
}
