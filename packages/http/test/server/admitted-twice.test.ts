import { EventEmitter, once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { activeColor } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { callerOf, type ServiceAuth, serviceAuth } from '@colorway/http/auth';
import { expressColoring, type ServerColoringOptions } from '@colorway/http/express';
import { coloredServer } from '@colorway/http/node';
import { metrics } from '@opentelemetry/api';
import express from 'express';
import { WebSocket, WebSocketServer } from 'ws';
import { SECRET, send, signed } from '../auth/signed-request.js';
import { countingMeterProvider } from './counting-meter-provider.js';
import { fakeColoring } from './fake-coloring.js';

setupContext();
const counted = countingMeterProvider();
beforeAll(() => {
  metrics.setGlobalMeterProvider(counted);
});
beforeEach(() => counted.reset());
const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});
afterAll(() => metrics.disable());

async function listen(server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  });
  return (server.address() as AddressInfo).port;
}

const RED = { 'x-infr-flowtype': 'CE_red' };

describe('a signature is verified once for each request', () => {
  /** An application with one middleware for each of the options, all of which have the same `auth`. */
  function application(auth: ServiceAuth, ...options: ServerColoringOptions<http.IncomingMessage>[]) {
    const coloring = fakeColoring({ service: 'stock' });
    const app = express();
    for (const more of options) app.use(expressColoring(coloring, { ...more, auth }));
    app.use((request, response) => void response.json({ caller: callerOf(request)?.service }));
    const verified = jest.spyOn(auth, 'verify');
    return { coloring, app, verified };
  }
  const once = () => serviceAuth({ secret: SECRET, replay: true });

  it('also where it passes two middlewares, and may not come twice', async () => {
    const { app, verified } = application(once(), {}, {});
    const port = await listen(http.createServer(app));
    const headers = signed(once());
    expect(await send(port, '/items/7?size=2', headers)).toEqual({ status: 200, told: { caller: 'order' } });
    expect(verified).toHaveBeenCalledTimes(1);
    expect((await send(port, '/items/7?size=2', headers)).status).toBe(401);
  });

  it('also behind coloredServer', async () => {
    const auth = once();
    const { coloring, app, verified } = application(auth, {});
    const port = await listen(coloredServer(coloring, http.createServer(app), { auth }));
    expect((await send(port, '/items/7?size=2', signed(once()))).status).toBe(200);
    expect(verified).toHaveBeenCalledTimes(1);
  });

  it('also where the client waits for 100 Continue', async () => {
    const auth = once();
    const { coloring, app, verified } = application(auth);
    const port = await listen(coloredServer(coloring, http.createServer(app), { auth }));
    const headers = { ...signed(once()), expect: '100-continue' };
    expect(await send(port, '/items/7?size=2', headers)).toEqual({ status: 200, told: { caller: 'order' } });
    expect(verified).toHaveBeenCalledTimes(1);
  });

  it('also where the first middleware has taken a header out that was signed', async () => {
    const auth = serviceAuth({ secret: SECRET });
    const { app } = application(auth, { accept: 'none', refused: 'remove' }, {});
    const port = await listen(http.createServer(app));
    const headers = signed(auth, RED);
    expect((await send(port, '/items/7?size=2', headers)).status).toBe(200);
  });

  it('and one that is wrong is counted once, where it need not be right', async () => {
    const auth = serviceAuth({ secret: SECRET, required: false });
    const { app } = application(auth, {}, {});
    const port = await listen(http.createServer(app));
    const headers = signed(serviceAuth({ secret: `another ${SECRET}` }));
    expect(await send(port, '/items/7?size=2', headers)).toEqual({ status: 200, told: {} });
    expect(counted.of('coloring.auth.failed')).toBe(1);
  });

  it('but each service that shares the process asks whether it was signed for it', async () => {
    const auth = serviceAuth({ secret: SECRET });
    const app = express();
    for (const service of ['stock', 'mail']) app.use(expressColoring(fakeColoring({ service }), { auth }));
    const port = await listen(http.createServer(app));
    expect((await send(port, '/items/7?size=2', signed(auth))).status).toBe(401);
  });
});

describe('the stricter policy of two holds for listeners too', () => {
  const POLICIES = [
    ['all', 'none', undefined],
    ['all', 'all', 'red'],
    ['none', 'all', undefined],
  ] as const;

  it.each(POLICIES)('of a request, wherever they were added: %s, then %s', (first, second, color) => {
    const coloring = fakeColoring();
    const request = Object.assign(new EventEmitter(), { headers: RED });
    const response = Object.assign(new EventEmitter(), { closed: true, writeHead: () => {} });
    const ran: (readonly [string, string | undefined])[] = [];
    const listenNow = (where: string) => {
      request.on('data', () => ran.push([`data ${where}`, activeColor()]));
      response.on('finish', () => ran.push([`finish ${where}`, activeColor()]));
    };
    expressColoring(coloring, { accept: first })(request as never, response as never, () => {
      listenNow('between');
      expressColoring(coloring, { accept: second })(request as never, response as never, () => {
        listenNow('behind');
      });
    });
    request.emit('data');
    response.emit('finish');
    expect(ran).toEqual([
      ['data between', color],
      ['data behind', color],
      ['finish between', color],
      ['finish behind', color],
    ]);
  });

  it.each(POLICIES)('of an upgraded connection: %s, then %s', async (first, second, color) => {
    const coloring = fakeColoring();
    const server = http.createServer();
    server.on('upgrade', (_request, socket) => {
      socket.on('data', (data) => socket.end(`${String(data)} in ${activeColor() ?? 'no color'}`));
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: test\r\n\r\n');
    });
    coloredServer(coloring, server, { accept: second });
    coloredServer(coloring, server, { accept: first });
    const client = connect(await listen(server), '127.0.0.1').setEncoding('utf8');
    client.write(
      'GET / HTTP/1.1\r\nhost: order\r\nconnection: upgrade\r\nupgrade: test\r\nx-infr-flowtype: CE_red\r\n\r\n',
    );
    let text = '';
    client.on('data', (data: string) => {
      if (text === '') client.write('asked');
      text += data;
    });
    await once(client, 'close');
    expect(text).toContain(`asked in ${color ?? 'no color'}`);
  });

  it.each(POLICIES)('of a WebSocket: %s, then %s', async (first, second, color) => {
    const coloring = fakeColoring();
    const server = http.createServer();
    new WebSocketServer({ server, perMessageDeflate: true }).on('connection', (socket) => {
      socket.on('message', () => socket.send(activeColor() ?? 'no color'));
    });
    coloredServer(coloring, server, { accept: second });
    coloredServer(coloring, server, { accept: first });
    const client = new WebSocket(`ws://127.0.0.1:${await listen(server)}/`, { headers: RED });
    await once(client, 'open');
    for (let at = 0; at < 3; at++) {
      client.send('x'.repeat(2_000));
      expect(String((await once(client, 'message'))[0])).toBe(color ?? 'no color');
    }
    client.close();
    await once(client, 'close');
  });
});
