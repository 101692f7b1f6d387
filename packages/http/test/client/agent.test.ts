import http from 'node:http';
import { activeColor, withColor } from '@colorway/core';
import { type ColoredAgentOptions, coloredAgent } from '@colorway/http/agent';
import { FakeColoring, type FakeColoringOptions } from '../support/fake-coloring.js';
import { type Echo, Fleet } from '../support/fleet.js';

describe('coloredAgent', () => {
  const fleet = new Fleet();
  const colorings: FakeColoring[] = [];

  afterEach(async () => {
    await Promise.all(colorings.splice(0).map((coloring) => coloring.close()));
    await fleet.close();
  });

  function setUp(options: FakeColoringOptions = {}, agentOptions: ColoredAgentOptions = {}) {
    const coloring = new FakeColoring(options);
    colorings.push(coloring);
    return { coloring, agent: coloredAgent(coloring, agentOptions) };
  }

  function get(url: string, options: http.RequestOptions): Promise<Echo> {
    return new Promise((resolve, reject) => {
      http
        .get(url, options, (response) => {
          let body = '';
          response.on('data', (chunk) => (body += chunk)).on('end', () => resolve(JSON.parse(body)));
        })
        .on('error', reject);
    });
  }

  it('sets and removes the color in headers that are a list, and leaves the list as it was', async () => {
    const { coloring, agent } = setUp();
    await fleet.start(coloring, 'stock');
    const sent = (headers: readonly string[], color?: string) =>
      withColor(color, async () => {
        const options = { agent, headers: headers as unknown as http.OutgoingHttpHeaders };
        return (await get('http://stock/', options)).headers;
      });
    const list = Object.freeze(['host', 'stock', 'x-mine', '1']);
    expect(await sent(list, 'c')).toMatchObject({ 'x-mine': '1', 'x-infr-flowtype': 'CE_c' });
    expect(await sent(list)).toMatchObject({ 'x-mine': '1', host: 'stock' });
    const colored = ['host', 'stock', 'X-Infr-Flowtype', 'CE_c', 'baggage', 'a=1,x-infr-flowtype=CE_c'];
    const headers = await sent(colored);
    expect(headers).toMatchObject({ baggage: 'a=1', host: 'stock' });
    expect(headers).not.toHaveProperty('x-infr-flowtype');
  });

  it('takes the color off a request that waited for the directory with its headers rendered', async () => {
    const { coloring, agent } = setUp({ answered: false });
    const foreign = await fleet.serve('foreign');
    const fallback = new http.Agent();
    const waiting = setUp({ answered: false }, { fallback: redirected(fallback, foreign.port) });
    const answer = withColor(
      'c',
      () =>
        new Promise<Echo>((resolve, reject) => {
          const request = http.request(
            'http://shop.example/',
            { agent: waiting.agent, method: 'POST', headers: { baggage: 'a=1' } },
            (response) => {
              let body = '';
              response.on('data', (chunk) => (body += chunk)).on('end', () => resolve(JSON.parse(body)));
            },
          );
          request.on('error', reject).write('first,');
          request.end('last');
        }),
    );
    setTimeout(() => waiting.coloring.answer(), 20);
    const got = await answer;
    expect(got).toMatchObject({
      id: foreign.id,
      body: 'first,last',
      headers: { baggage: 'a=1', host: 'shop.example' },
    });
    expect(got.headers).not.toHaveProperty('x-infr-flowtype');
    agent.destroy();
    coloring.answer();
  });

  it('keeps the color in what the response calls, at services and foreign hosts, on new and on reused connections', async () => {
    const { coloring, agent } = setUp();
    await fleet.start(coloring, 'stock');
    const foreign = await fleet.serve('foreign');
    const colorAtResponse = (color: string, url: string) =>
      withColor(
        color,
        () =>
          new Promise<unknown[]>((resolve, reject) => {
            const colors: unknown[] = [];
            http
              .get(url, { agent }, (response) => {
                colors.push(activeColor());
                response
                  .on('data', () => colors.push(activeColor()))
                  .on('end', () => resolve([...colors, activeColor()]));
              })
              .on('error', reject);
          }),
      );
    for (const url of ['http://stock/', `http://127.0.0.1:${foreign.port}/`]) {
      for (const color of ['a', 'b', 'c'])
        expect(new Set(await colorAtResponse(color, url))).toEqual(new Set([color]));
    }
  });

  it('reads a response that nobody listens for, as node:http does', async () => {
    const { coloring, agent } = setUp();
    await fleet.start(coloring, 'stock', { handler: (_, response) => response.end('x'.repeat(1_000_000)) });
    await new Promise<void>(
      (resolve) => void http.get('http://stock/', { agent }).on('close', () => resolve()),
    );
  });

  it('gives the error of node:http when the caller itself destroys the request', async () => {
    const { coloring, agent } = setUp();
    await fleet.start(coloring, 'stock', { color: 'c', handler: () => {} });
    const error = await new Promise<Error & { code?: string }>((resolve) => {
      const request = withColor('c', () => http.get('http://stock/', { agent }));
      request.on('error', resolve).on('socket', () => setTimeout(() => request.destroy(), 20));
    });
    expect(error.code).toBe('ECONNRESET');
  });

  it('emits the timeout of the caller', async () => {
    const { coloring, agent } = setUp();
    await fleet.start(coloring, 'stock', { color: 'c', handler: () => {} });
    await new Promise<void>((resolve) => {
      const request = withColor('c', () => http.get('http://stock/', { agent, timeout: 30 }));
      request
        .on('error', () => {})
        .on('timeout', () => {
          request.destroy();
          resolve();
        });
    });
  });

  it('upgrades', async () => {
    const { coloring, agent } = setUp();
    const stock = await fleet.start(coloring, 'stock', { color: 'c' });
    const server = http.createServer();
    server.on('upgrade', (_, socket) =>
      socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\nhello'),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    coloring.remove(stock.id);
    coloring.put({ ...stock.record, id: 'upgrading', port: (server.address() as { port: number }).port });
    const first = await withColor(
      'c',
      () =>
        new Promise<string>((resolve, reject) => {
          http
            .get('http://stock/', { agent, headers: { connection: 'upgrade', upgrade: 'x' } })
            .on('error', reject)
            .on('upgrade', (_response, socket, head) => {
              let read = head.toString();
              socket.on('data', (chunk: Buffer) => (read += chunk)).on('end', () => resolve(read));
            });
        }),
    );
    expect(first).toBe('hello');
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
});

/** An agent for hosts that do not exist, which are all on one port. */
function redirected(agent: http.Agent, port: number): http.Agent {
  const like = agent as http.Agent & { addRequest(request: unknown, options: object): void };
  const addRequest = like.addRequest.bind(like);
  like.addRequest = (request, options) => addRequest(request, { ...options, host: '127.0.0.1', port });
  return like;
}
