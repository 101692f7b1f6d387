import { once } from 'node:events';
import http from 'node:http';
import { connect } from 'node:net';
import { activeColor, type ReplayStore } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { callerOf, replayMemory, type ServiceAuthOptions } from '@colorway/http/auth';
import { expressColoring } from '@colorway/http/express';
import { coloredServer } from '@colorway/http/node';
import { metrics } from '@opentelemetry/api';
import { countingMeterProvider } from '../server/counting-meter-provider.js';
import { fakeColoring } from '../server/fake-coloring.js';
import { HOSTS, stopHosts } from '../server/hosts.js';
import { CLIENTS } from '../support/clients.js';
import { FakeColoring } from '../support/fake-coloring.js';
import { recordOf } from '../support/fleet.js';
import { auth, SECRET, send, signed } from './signed-request.js';

setupContext();
/* A busy machine takes its time for many connections. */
jest.setTimeout(60_000);

const counted = countingMeterProvider();
beforeAll(() => {
  metrics.setGlobalMeterProvider(counted);
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
beforeEach(() => counted.reset());
afterEach(stopHosts);
afterAll(() => {
  metrics.disable();
  jest.restoreAllMocks();
});

/** A store that answers when it is let, as one on the network does. */
function remote() {
  const memory = replayMemory();
  const asked: (() => void)[] = [];
  let isOpen = true;
  const store: ReplayStore = {
    isNew: (signature, endsAt) =>
      new Promise((resolve) => {
        const answer = () => resolve(memory.isNew(signature, endsAt));
        if (isOpen) setImmediate(answer);
        else asked.push(answer);
      }),
  };
  return {
    store,
    asked,
    hold: () => {
      isOpen = false;
    },
    answer: () => {
      isOpen = true;
      for (const one of asked.splice(0)) one();
    },
  };
}

const by = (replay: ReplayStore, more: Partial<ServiceAuthOptions> = {}) =>
  auth({ secret: SECRET, replay, ...more });
const color = { 'x-infr-flowtype': 'CE_c' };

async function soon(what: string, check: () => boolean): Promise<void> {
  for (let time = 0; time < 2_000 && !check(); time++) await new Promise((resolve) => setTimeout(resolve, 5));
  if (!check()) throw new Error(`in vain: ${what}`);
}

describe.each(HOSTS.map((host) => [host.name, host] as const))(
  'a store that answers later, on %s',
  (_name, host) => {
    const handle = ({ req, body }: { req: http.IncomingMessage; body: unknown }) => ({
      caller: callerOf(req)?.service ?? null,
      color: activeColor() ?? null,
      body: body ?? null,
    });

    it('lets a request in once, in its color and with its body, and ten copies of it once', async () => {
      const { store } = remote();
      const { port } = await host.start(
        fakeColoring({ service: 'stock' }),
        { handle },
        { auth: by(store), accept: 'all' },
      );
      const headers = signed(by(store), color, '/');
      const first = await send(port, '/', headers);
      expect([first.status, first.told]).toMatchObject([200, { caller: 'order', color: 'c' }]);
      expect((await send(port, '/', headers)).status).toBe(401);
      expect(counted.of('coloring.auth.failed')).toBe(1);
      const again = signed(by(store), color, '/');
      const copies = await Promise.all(Array.from({ length: 10 }, () => send(port, '/', again)));
      expect(copies.filter(({ status }) => status === 200)).toHaveLength(1);
      expect(copies.filter(({ status }) => status === 401)).toHaveLength(9);
      const uncolored = await send(port, '/', signed(by(store), {}, '/'));
      expect([uncolored.status, uncolored.told.color]).toEqual([200, null]);
    });

    it('is waited for: the request is in flight, and its body comes whole', async () => {
      const { store, asked, hold, answer } = remote();
      const coloring = fakeColoring({ service: 'stock' });
      const { port } = await host.start(coloring, { handle }, { auth: by(store) });
      hold();
      const headers = { ...signed(by(store), {}, '/', 'POST'), 'content-type': 'application/json' };
      const told = new Promise<string>((resolve, reject) => {
        const options = { host: '127.0.0.1', port, method: 'POST', headers, agent: false };
        http
          .request(options, async (response) => {
            let text = '';
            for await (const chunk of response) text += chunk;
            resolve(text);
          })
          .on('error', reject)
          .end(JSON.stringify({ sent: 'x'.repeat(10_000) }));
      });
      await soon('the store is asked', () => asked.length === 1);
      expect(coloring.inFlight.count).toBe(1);
      answer();
      const { caller, body } = JSON.parse(await told);
      expect(caller).toBe('order');
      if (host.parsesBodies) expect(body).toEqual({ sent: 'x'.repeat(10_000) });
      await soon('nothing in flight', () => coloring.inFlight.count === 0);
    });

    it.each<[string, () => Promise<boolean>]>([
      ['rejects', () => Promise.reject(new Error('it is away'))],
      [
        'throws',
        () => {
          throw new Error('it is away');
        },
      ],
      ['answers with what is neither true nor false', () => Promise.resolve('OK' as never)],
    ])('that %s refuses with 503, or lets in where that is asked for', async (_what, isNew) => {
      const start = async (more: Partial<ServiceAuthOptions>) =>
        (
          await host.start(
            fakeColoring({ service: 'stock' }),
            { handle },
            { auth: by({ isNew }, more), accept: 'none' },
          )
        ).port;
      const sent = () => signed(by({ isNew }), {}, '/');
      expect((await send(await start({}), '/', sent())).status).toBe(503);
      expect(counted.of('coloring.auth.failed')).toBe(1);
      const allowing = await start({ whenReplayUnknown: 'allow' });
      expect((await send(allowing, '/', sent())).told.caller).toBe('order');
      const optional = await send(await start({ required: false }), '/', sent());
      expect([optional.status, optional.told.caller]).toEqual([200, null]);
    });

    it('that nobody waits for any more ends nothing', async () => {
      const { store, asked, hold, answer } = remote();
      const coloring = fakeColoring({ service: 'stock' });
      const { port } = await host.start(coloring, { handle }, { auth: by(store) });
      hold();
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      const lines = Object.entries(signed(by(store), {}, '/')).map(([name, value]) => `${name}: ${value}`);
      socket.write(`GET / HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
      await soon('the store is asked', () => asked.length === 1);
      socket.resetAndDestroy();
      answer();
      await soon('nothing in flight', () => coloring.inFlight.count === 0);
      expect((await send(port, '/', signed(by(store), {}, '/'))).status).toBe(200);
    });
  },
);

it('a store that knows at once is asked at once: nothing waits for a promise', () => {
  const replay = replayMemory();
  const colorway = expressColoring(fakeColoring({ service: 'stock' }), { auth: by(replay) });
  const request = Object.assign(new http.IncomingMessage(connect({ port: 1 }).on('error', () => {})), {
    url: '/',
    method: 'GET',
    headers: signed(by(replay), {}, '/'),
  });
  const response = new http.ServerResponse(request);
  const next = jest.fn();
  colorway(request, response, next);
  expect(next.mock.calls).toEqual([[]]);
});

describe('an upgrade that waits for a store', () => {
  const upgrade = { connection: 'Upgrade', upgrade: 'a', ...color };
  async function start(store: ReplayStore) {
    const coloring = fakeColoring({ service: 'stock' });
    const server = coloredServer(coloring, http.createServer(), { auth: by(store) });
    const colors: unknown[] = [];
    server.on('upgrade', (_request, socket) => {
      colors.push(activeColor());
      socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: a\r\n\r\n');
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const open = () => {
      const socket = connect((server.address() as { port: number }).port, '127.0.0.1').on('error', () => {});
      const lines = Object.entries({ ...signed(by(store), color, '/'), ...upgrade });
      socket.write(
        `GET / HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}`).join('\r\n')}\r\n\r\n`,
      );
      return socket;
    };
    return { server, colors, open, coloring };
  }

  it('is opened in its color, and one whose connection breaks off meanwhile ends no process', async () => {
    const { store, asked, hold, answer } = remote();
    const { server, colors, open, coloring } = await start(store);
    const told = jest.spyOn(coloring.reporter, 'once');
    const [answered] = (await once(open(), 'data')) as [Buffer];
    expect(answered.toString()).toContain('101');
    hold();
    const broken = open();
    await soon('the store is asked', () => asked.length === 1);
    broken.resetAndDestroy();
    const next = open();
    await soon('the store is asked again', () => asked.length === 2);
    answer();
    await once(next, 'data');
    expect(colors.slice(0, 2)).toEqual(['c', 'c']);
    expect(told).not.toHaveBeenCalledWith('COLORWAY_UPGRADE_UNCOLORED', expect.anything());
    await soon('nothing in flight', () => coloring.inFlight.count === 0);
    server.closeAllConnections();
    server.close();
  });

  it('is refused where it cannot tell', async () => {
    const { server, open } = await start({ isNew: () => Promise.reject(new Error('it is away')) });
    const [answered] = (await once(open(), 'data')) as [Buffer];
    expect(answered.toString()).toMatch(/^HTTP\/1.1 503 [\s\S]*COLORWAY_REPLAY_UNKNOWN/);
    server.closeAllConnections();
    server.close();
  });
});

it.each(CLIENTS.filter(({ retries }) => retries).map((client) => [client.name, client] as const))(
  'a retry is signed anew, since the instance that broke off may have seen the signature: %s',
  async (_name, client) => {
    const shared = by(replayMemory());
    const seen: boolean[] = [];
    const breaking = http.createServer((request) => {
      seen.push(shared.verify(request, []).kind === 'verified');
      request.socket.destroy();
    });
    breaking.listen(0, '127.0.0.1');
    await once(breaking, 'listening');
    const [host] = HOSTS as [(typeof HOSTS)[number]];
    const handle = ({ req }: { req: http.IncomingMessage }) => ({ caller: callerOf(req)?.service });
    const { port } = await host.start(fakeColoring({ service: 'stock' }), { handle }, { auth: shared });
    const coloring = new FakeColoring({ service: 'order' });
    const call = client.make(coloring, { auth: shared });
    coloring.put(recordOf('a', 'stock', (breaking.address() as { port: number }).port));
    coloring.put(recordOf('b', 'stock', port));
    try {
      for (let time = 0; time < 6; time++)
        expect(await call('http://stock/')).toMatchObject({ status: 200, body: '{"caller":"order"}' });
      expect(seen.length).toBeGreaterThan(0);
      expect(seen).not.toContain(false);
    } finally {
      await coloring.close();
      breaking.close();
    }
  },
);
