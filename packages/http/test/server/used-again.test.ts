import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { activeColor, withColor } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { coloredServer, nodeColoring } from '@colorway/http/node';
import { fakeColoring } from './fake-coloring.js';
import { type Exchange, HOSTS, stopHosts } from './hosts.js';

setupContext();
jest.setTimeout(60_000);
afterEach(stopHosts);

const ORDER = ['red', undefined, 'blue', undefined, 'red', undefined] as const;

/** Where the parts of a request run, each with the color that it had. */
type Seen = (readonly [part: string, color: string | undefined])[];

function watch({ req, res }: Pick<Exchange, 'req' | 'res'>, seen: Seen): void {
  const note = (part: string) => () => void seen.push([part, activeColor()]);
  for (const event of ['data', 'end'] as const) req.on(event, note(event));
  for (const event of ['drain', 'finish', 'close'] as const) res.on(event, note(event));
  setTimeout(note('timer'), 1);
  process.nextTick(note('tick'));
}

describe.each(HOSTS)('law 1 and 4: a connection that others used before: $name', (host) => {
  it('serves each request in its own color, and in none where it has none', async () => {
    const seen: Seen[] = [];
    const connections = new Set<unknown>();
    const { port } = await host.start(fakeColoring(), {
      async handle(exchange) {
        const mine: Seen = [['handler', activeColor()]];
        seen.push(mine);
        connections.add(exchange.req.socket);
        watch(exchange, mine);
        await new Promise((resolve) => setTimeout(resolve, 2));
        mine.push(['await', activeColor()]);
        exchange.res.writeHead(200, { 'content-type': 'text/plain' });
        exchange.res.end('x'.repeat(100_000));
      },
    });
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    // The connection is opened in red, too: client and server share the process.
    for (const color of ORDER) await withColor(color ?? 'red', () => post(agent, port, color));
    agent.destroy();
    expect(connections.size).toBe(1);
    expect(seen).toHaveLength(ORDER.length);
    for (const [at, mine] of seen.entries()) {
      expect(mine.length).toBeGreaterThanOrEqual(5);
      expect(mine).toEqual(mine.map(([part]) => [part, ORDER[at]]));
    }
  });
});

function post(agent: http.Agent, port: number, color: string | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = {
      'content-type': 'application/json',
      ...(color === undefined ? {} : { 'x-infr-flowtype': `CE_${color}` }),
    };
    http
      .request({ host: '127.0.0.1', port, agent, method: 'POST', headers }, (response) => {
        // Next turn, so that the connection is free again.
        response.resume().on('end', () => setImmediate(resolve));
      })
      .on('error', reject)
      .end('{"a":1}');
  });
}

describe.each([
  ['nodeColoring', (handler: Handler) => http2.createServer(nodeColoring(fakeColoring(), handler))],
  ['coloredServer', (handler: Handler) => coloredServer(fakeColoring(), http2.createServer(handler))],
])('law 1 and 4: an HTTP/2 session that others used before: %s', (_, create) => {
  it('serves each request in its own color, and in none where it has none', async () => {
    const seen: Seen[] = [];
    const server = create((req, res) => {
      const mine: Seen = [['handler', activeColor()]];
      seen.push(mine);
      watch({ req, res } as unknown as Exchange, mine);
      setTimeout(() => res.end('x'), 3);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const session = withColor('red', () => http2.connect(`http://127.0.0.1:${port}`));
    for (const color of ORDER) {
      await withColor(color ?? 'red', async () => {
        const stream = session.request({
          ':method': 'POST',
          ':path': '/',
          ...(color === undefined ? {} : { 'x-infr-flowtype': `CE_${color}` }),
        });
        stream.end('{"a":1}');
        stream.resume();
        await once(stream, 'end');
      });
    }
    session.close();
    await new Promise((resolve) => server.close(resolve));
    expect(seen).toHaveLength(ORDER.length);
    for (const [at, mine] of seen.entries()) {
      expect(mine.length).toBeGreaterThanOrEqual(4);
      expect(mine).toEqual(mine.map(([part]) => [part, ORDER[at]]));
    }
  });
});

type Handler = (req: http2.Http2ServerRequest, res: http2.Http2ServerResponse) => void;
