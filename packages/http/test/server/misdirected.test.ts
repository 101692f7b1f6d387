import { once } from 'node:events';
import http from 'node:http';
import http2 from 'node:http2';
import { type AddressInfo, connect } from 'node:net';
import { activeColor, formatWanted } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { serviceAuth } from '@colorway/http/auth';
import { expressColoring } from '@colorway/http/express';
import { coloredServer, nodeColoring } from '@colorway/http/node';
import { metrics } from '@opentelemetry/api';
import { countingMeterProvider } from './counting-meter-provider.js';
import { fakeColoring } from './fake-coloring.js';
import { HOSTS, stopHosts } from './hosts.js';
import { get, headerValues, parseAnswer, sendRaw } from './raw-request.js';

setupContext();
const counted = countingMeterProvider();
beforeAll(() => {
  metrics.setGlobalMeterProvider(counted);
});
beforeEach(() => counted.reset());
afterAll(() => metrics.disable());
const closing: (() => unknown)[] = [];
afterEach(stopHosts);
afterEach(() => Promise.all(closing.splice(0).map((close) => close())));

const wants = (service: string, color?: string) => `x-colorway-wanted: ${formatWanted(service, color)}`;

describe.each(HOSTS)('law 4: a request that wants another instance is answered 421: $name', (host) => {
  async function serve(color?: string) {
    const coloring = fakeColoring(color === undefined ? {} : { color });
    const seen = { handled: 0, errors: 0 };
    const app = {
      handle: ({ req }: { req: http.IncomingMessage }) => {
        seen.handled++;
        req.resume();
        return { color: activeColor() ?? null };
      },
      onError: () => void seen.errors++,
    };
    let accepted = 0;
    const accept = () => ++accepted > 0;
    const { port, server } = await host.start(coloring, app, { accept });
    coloring.servers.add(server);
    return { port, server, seen, coloring, accepted: () => accepted };
  }

  it.each([
    ['another service', 'stock', undefined],
    ['a color, at the baseline', 'order', 'red'],
    ['another service of a color', 'stock', 'red'],
  ])('%s', async (_, service, color) => {
    const { port, seen, coloring, accepted } = await serve();
    const answer = await get(port, [wants(service, color), 'x-infr-flowtype: CE_red']);
    expect(answer.status).toBe(421);
    expect(headerValues(answer, 'x-colorway-misdirected')).toEqual(['1']);
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'COLORWAY_MISDIRECTED' });
    expect(seen).toEqual({ handled: 0, errors: 0 });
    expect(accepted()).toBe(0);
    await coloring.inFlight.idle();
    expect(counted.of('coloring.misdirected')).toBe(1);
  });

  it('the baseline, or another color, at a colored instance', async () => {
    const { port, seen } = await serve('red');
    expect((await get(port, [wants('order')])).status).toBe(421);
    expect((await get(port, [wants('order', 'blue')])).status).toBe(421);
    expect((await get(port, [wants('order', 'RED')])).status).toBe(421);
    expect(seen.handled).toBe(0);
    expect((await get(port, [wants('order', 'red')])).status).toBe(200);
    expect((await get(port, [wants('Order', 'red')])).status).toBe(200);
    expect(seen).toEqual({ handled: 2, errors: 0 });
  });

  it('no other: one that wants this one, that says nothing, or nothing that can be read', async () => {
    const { port, seen } = await serve();
    const lines = [
      [wants('order')],
      [wants('ORDER')],
      [],
      ['x-colorway-wanted:'],
      ['x-colorway-wanted: stock'],
      [wants('stock'), wants('stock')],
      ['x-colorway-wanted: stock/red_'],
      [`x-colorway-wanted: ${'s'.repeat(4_000)}/`],
    ];
    for (const line of lines) expect((await get(port, line)).status).toBe(200);
    expect(seen.handled).toBe(lines.length);
  });

  it('HEAD without a body, and the connection serves the next request behind a body that nobody read', async () => {
    const { port, seen } = await serve();
    const body = 'b'.repeat(300_000);
    const text = await sendRaw(
      port,
      [
        `HEAD / HTTP/1.1\r\nhost: a\r\n${wants('stock')}\r\n\r\n`,
        `POST / HTTP/1.1\r\nhost: a\r\n${wants('stock')}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
        `GET / HTTP/1.1\r\nhost: a\r\n${wants('order')}\r\nconnection: close\r\n\r\n`,
      ].join(''),
    );
    expect(text.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 421', 'HTTP/1.1 421', 'HTTP/1.1 200']);
    expect(text.match(/COLORWAY_MISDIRECTED/g)).toHaveLength(1);
    expect(seen).toEqual({ handled: 1, errors: 0 });
  });

  it('before 100 Continue is sent', async () => {
    const { port, seen } = await serve();
    const ask = (service: string) =>
      expecting(
        port,
        `POST / HTTP/1.1\r\nhost: a\r\n${wants(service)}\r\nexpect: 100-continue\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n`,
        '{}',
      );
    expect((await ask('stock')).match(/^HTTP\/1.1 \d+/gm)).toEqual(['HTTP/1.1 421']);
    expect(seen.handled).toBe(0);
    expect((await ask('order')).match(/^HTTP\/1.1 \d+/gm)).toEqual(['HTTP/1.1 100', 'HTTP/1.1 200']);
    expect(seen.handled).toBe(1);
  });

  it('an upgrade', async () => {
    const { port, server } = await serve();
    let upgrades = 0;
    server.on('upgrade', (_request, socket) => {
      upgrades++;
      socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n');
    });
    const ask = (service: string) =>
      sendRaw(
        port,
        `GET / HTTP/1.1\r\nhost: a\r\n${wants(service)}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n`,
      );
    const refused = parseAnswer(await ask('stock'));
    expect(refused.status).toBe(421);
    expect(headerValues(refused, 'x-colorway-misdirected')).toEqual(['1']);
    expect(JSON.parse(refused.body)).toMatchObject({ code: 'COLORWAY_MISDIRECTED' });
    expect(upgrades).toBe(0);
    expect(await ask('order')).toContain('101 Switching Protocols');
    expect(upgrades).toBe(1);
  });

  it('not where the instance answers for that service too', async () => {
    const { port } = await host.start(
      fakeColoring(),
      { handle: () => ({}) },
      { alsoServes: ['Stock', 'cart'] },
    );
    expect((await get(port, [wants('stock')])).status).toBe(200);
    expect((await get(port, [wants('stock', 'red')])).status).toBe(421);
    expect((await get(port, [wants('price')])).status).toBe(421);
  });
});

it('HTTP/2: 421, and the session serves the next request', async () => {
  const seen = { handled: 0, continued: 0 };
  const server = http2.createServer(
    nodeColoring(fakeColoring(), (request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => {
      seen.handled++;
      request.resume();
      response.end('served');
    }),
  );
  coloredServer(fakeColoring(), server);
  const { session, ask } = await sessionTo(server);
  const body = 'b'.repeat(100_000);
  expect(await ask({ 'x-colorway-wanted': 'stock/' })).toMatchObject({ status: 421, misdirected: '1' });
  expect(await ask({ ':method': 'HEAD', 'x-colorway-wanted': 'stock/' })).toMatchObject({ status: 421 });
  expect(await ask({ ':method': 'POST', 'x-colorway-wanted': 'stock/' }, body)).toMatchObject({
    status: 421,
  });
  expect(
    await ask({ ':method': 'POST', 'x-colorway-wanted': 'stock/', expect: '100-continue' }, body),
  ).toMatchObject({ status: 421, continued: false });
  expect(seen.handled).toBe(0);
  expect(
    await ask({ ':method': 'POST', 'x-colorway-wanted': 'order/', expect: '100-continue' }, body),
  ).toMatchObject({ status: 200, continued: true, body: 'served' });
  expect(await ask({})).toMatchObject({ status: 200, body: 'served' });
  expect(seen.handled).toBe(2);
  expect(session.destroyed).toBe(false);
});

it("the application's own answer to Expect stays its own", async () => {
  const coloring = fakeColoring();
  const server = http.createServer(nodeColoring(coloring, (_request, response) => response.end()));
  server.on('checkContinue', (_request, response) => response.writeHead(417).end());
  coloring.servers.add(server);
  const port = await listen(server);
  const ask = (service: string) =>
    sendRaw(
      port,
      `POST / HTTP/1.1\r\nhost: a\r\n${wants(service)}\r\nexpect: 100-continue\r\ncontent-length: 2\r\nconnection: close\r\n\r\n`,
    );
  expect(await ask('order')).toMatch(/^HTTP\/1.1 417/);
  expect(await ask('stock')).toMatch(/^HTTP\/1.1 421/);
});

it('a signature covers what is wanted', async () => {
  const auth = serviceAuth({ secret: 's'.repeat(32) });
  const coloring = fakeColoring();
  const server = http.createServer(
    nodeColoring(coloring, (_request, response) => response.end('served'), { auth }),
  );
  const port = await listen(server);
  const sign = (wanted?: string) =>
    auth
      .sign(coloring, {
        method: 'GET',
        authority: 'order',
        target: '/',
        header: (name) => (name === 'x-colorway-wanted' ? wanted : undefined),
      })
      .map(([name, value]) => `${name}: ${value}`);
  expect((await get(port, [...sign('order/'), 'x-colorway-wanted: order/'])).status).toBe(200);
  expect((await get(port, sign())).status).toBe(200);
  expect((await get(port, [...sign(), 'x-colorway-wanted: order/'])).status).toBe(401);
  expect((await get(port, sign('order/'))).status).toBe(401);
  // Another system's instance knows no such key, and would refuse what it can send on.
  expect((await get(port, ['x-colorway-wanted: stock/'])).status).toBe(421);
});

it('Express: behind a middleware that has read the headers, or changed them', async () => {
  const middleware = expressColoring(fakeColoring());
  let handled = 0;
  const server = http.createServer((request, response) => {
    if (request.headers['x-colorway-wanted'] === undefined) request.headers['x-colorway-wanted'] = 'stock/';
    middleware(request, response, () => {
      handled++;
      response.end();
    });
  });
  const port = await listen(server);
  expect((await get(port)).status).toBe(421);
  expect((await get(port, [wants('order')])).status).toBe(200);
  expect(handled).toBe(1);
});

/** Sends a head, and the body when it is told to go on. Returns all that came. */
async function expecting(port: number, head: string, body: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  socket.setEncoding('latin1').on('data', (chunk) => {
    text += chunk;
    if (text.startsWith('HTTP/1.1 100') && !text.includes('HTTP/1.1 200')) socket.write(body);
  });
  socket.write(head);
  await once(socket, 'close');
  return text;
}

async function listen(server: http.Server | http2.Http2Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => new Promise((resolve) => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

async function sessionTo(server: http2.Http2Server) {
  const session = http2.connect(`http://127.0.0.1:${await listen(server)}`);
  closing.push(() => session.close());
  const ask = async (headers: http2.OutgoingHttpHeaders, body?: string) => {
    const stream = session.request(headers, { endStream: body === undefined });
    let continued = false;
    stream.on('continue', () => {
      continued = true;
      stream.end(body);
    });
    if (body !== undefined && headers.expect === undefined) stream.end(body);
    let text = '';
    stream.setEncoding('utf8').on('data', (chunk) => {
      text += chunk;
    });
    const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    if (!continued && body !== undefined && headers.expect !== undefined) stream.end();
    await once(stream, 'close');
    return {
      status: answer[':status'],
      misdirected: answer['x-colorway-misdirected'],
      continued,
      body: text,
    };
  };
  return { session, ask };
}
