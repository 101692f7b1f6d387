import { once } from 'node:events';
import http from 'node:http';
import { text } from 'node:stream/consumers';
import { activeColor } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { coloredAgent } from '@colorway/http/agent';
import { callerOf, serviceAuth } from '@colorway/http/auth';
import { expressColoring } from '@colorway/http/express';
import { coloredDispatcher } from '@colorway/http/undici';
import express5 from 'express';
import { request } from 'undici';
import { fakeColoring } from '../server/fake-coloring.js';
import { HOSTS, type Host, stopHosts } from '../server/hosts.js';
import { FakeColoring } from '../support/fake-coloring.js';
import { recordOf } from '../support/fleet.js';
import { auth, SECRET, send, signed } from './signed-request.js';

setupContext();
afterEach(stopHosts);

describe('a signed call', () => {
  const [express] = HOSTS as [Host];
  let coloring: FakeColoring;
  afterEach(() => coloring.close());

  async function setUp(): Promise<void> {
    coloring = new FakeColoring({ service: 'order', directoryTimeoutMs: 10_000 });
    const handle = ({ req }: { req: http.IncomingMessage }) => ({ caller: callerOf(req) });
    const { port } = await express.start(fakeColoring({ service: 'stock' }), { handle }, { auth: auth() });
    coloring.put(recordOf('one', 'stock', port));
  }

  it('through an agent is signed after it has waited for the directory with its headers rendered', async () => {
    coloring = new FakeColoring({ service: 'order', answered: false, directoryTimeoutMs: 10_000 });
    const handle = ({ req, body }: { req: http.IncomingMessage; body: unknown }) => ({
      caller: callerOf(req)?.service,
      body,
    });
    const { port } = await express.start(fakeColoring({ service: 'stock' }), { handle }, { auth: auth() });
    const agent = coloredAgent(coloring, { auth: auth() });
    const answer = new Promise<string>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      http
        .request('http://stock/items', { method: 'POST', agent, headers }, (response) =>
          resolve(text(response)),
        )
        .on('error', reject)
        .end('{"sent":1}');
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    coloring.put(recordOf('one', 'stock', port));
    coloring.answer();
    expect(JSON.parse(await answer)).toEqual({ caller: 'order', body: { sent: 1 } });
  });

  it('with headers that are a list, rendered before an agent sees them, is signed', async () => {
    await setUp();
    const headers = ['host', 'stock'] as unknown as http.OutgoingHttpHeaders;
    const agent = coloredAgent(coloring, { auth: auth() });
    const answer = new Promise<string>((resolve, reject) => {
      http
        .get('http://stock/', { agent, headers }, (response) => resolve(text(response)))
        .on('error', reject);
    });
    expect(JSON.parse(await answer)).toMatchObject({ caller: { service: 'order' } });
  });

  it('through undici is signed with its query, its own host and headers of every form', async () => {
    await setUp();
    const dispatcher = coloredDispatcher(coloring, { auth: auth() });
    for (const options of [
      { query: { a: 'b c', d: ['e', 'f'] } },
      { query: {} },
      { headers: { Host: 'other.example', 'x-mine': ['1', '2'] } },
      { headers: ['x-mine', '1', 'X-Mine', '2'] },
      { headers: new Map([['x-mine', '1']]) },
    ]) {
      const { statusCode, body } = await request('http://stock/items', { dispatcher, ...options } as never);
      expect([statusCode, await body.json()]).toMatchObject([200, { caller: { service: 'order' } }]);
    }
  });

  it('to a host that is no service carries nothing that proves anything', async () => {
    await setUp();
    const dispatcher = coloredDispatcher(coloring, { auth: auth() });
    const seen: string[] = [];
    const server = http.createServer((incoming, response) => {
      seen.push(...incoming.rawHeaders.map((name) => name.toLowerCase()));
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await (await request(`http://127.0.0.1:${port}/`, { dispatcher })).body.dump();
    server.close();
    expect(seen.filter((name) => /signature|colorway/.test(name))).toEqual([]);
  });
});

it('a middleware that Express has mounted below a path sees the signature of the whole path', async () => {
  const app = express5();
  app.use('/api', expressColoring(fakeColoring({ service: 'stock' }), { auth: auth() }));
  app.get('/api/items', (incoming, response) => {
    response.json({ caller: callerOf(incoming) });
  });
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { told } = await send(
      (server.address() as { port: number }).port,
      '/api/items',
      signed(auth(), {}, '/api/items'),
    );
    expect(told.caller).toMatchObject({ service: 'order' });
  } finally {
    server.close();
  }
});

describe.each(HOSTS)('of a signed request only the signed flow header says a color: $name', (host) => {
  const member = 'x-infr-flowtype=CE_evil';
  const start = async (options: object = {}) =>
    await host.start(
      fakeColoring({ service: 'stock' }),
      { handle: () => ({ color: activeColor() ?? null }) },
      { auth: auth(), sources: { query: true, cookie: true }, ...options },
    );
  const ask = async (port: number, headers: Record<string, string>, target?: string) =>
    (await send(port, target ?? '/items/7?size=2', headers)).told.color;

  it('what is added on the way counts for nothing', async () => {
    const { port } = await start();
    for (const added of [
      { baggage: member },
      { baggage: `a=1,x%2Dinfr-flowtype=CE_evil` },
      { cookie: member },
    ]) {
      expect(await ask(port, { ...signed(), ...added })).toBe(null);
      const red = signed(auth(), { 'x-infr-flowtype': 'CE_red' });
      expect(await ask(port, { ...red, ...added })).toBe('red');
    }
    const target = `/items/7?${member}`;
    expect(await ask(port, signed(auth(), {}, target), target)).toBe(null);
  });

  it('that there is none is signed too, and what is not signed is read as before', async () => {
    const { port } = await start({ auth: serviceAuth({ secret: SECRET, required: false }) });
    expect(await ask(port, { ...signed(), 'x-infr-flowtype': 'CE_evil' })).toBe('evil');
    expect(await ask(port, { host: 'stock', baggage: member })).toBe('evil');
    expect(
      (await send((await start()).port, '/items/7?size=2', { ...signed(), 'x-infr-flowtype': 'CE_evil' }))
        .status,
    ).toBe(401);
  });
});
