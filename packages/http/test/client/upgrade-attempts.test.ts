import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { activeColor, DECISION_CHANNEL, type DecisionEvent, route, withColor } from '@colorway/core';
import { type ColoredAgentOptions, coloredAgent } from '@colorway/http/agent';
import { serviceAuth } from '@colorway/http/auth';
import { coloredDispatcher } from '@colorway/http/undici';
import { WebSocket as UndiciWebSocket } from 'undici';
import { WebSocket, WebSocketServer } from 'ws';
import { AgentCaller } from '../../src/client/agent-caller.js';
import type { Balancer } from '../../src/client/balancing/balancer.js';
import { PooledCaller } from '../../src/client/pooled-caller.js';
import { ColoredDispatcher } from '../../src/client/undici.js';
import { FakeColoring } from '../support/fake-coloring.js';
import { freePort, recordOf } from '../support/fleet.js';
import { opened } from '../support/socket-clients.js';
import { SocketFleet, type UpgradeHandler } from '../support/socket-fleet.js';
import type { SocketLike } from '../support/socket-like.js';
import { TLS } from '../support/tls.js';

jest.setTimeout(30_000);

const fleet = new SocketFleet();
const closing: (() => unknown)[] = [];

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await fleet.close();
});

function coloringOf(): FakeColoring {
  const coloring = new FakeColoring();
  closing.push(() => coloring.close());
  return coloring;
}

const UPGRADE = { connection: 'Upgrade', upgrade: 'x' };
const hang: UpgradeHandler = () => {};
const breakOff: UpgradeHandler = (_, socket) => socket.destroy();

async function until(truth: () => boolean): Promise<void> {
  while (!truth()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Sends an upgrade in red; what comes of it. */
function send(agent: http.Agent, options: http.RequestOptions = {}, body?: string) {
  const events: string[] = [];
  const errors: (Error & { code?: string })[] = [];
  const request = withColor('red', () =>
    http.request('http://stock/', { agent, ...options, headers: { ...UPGRADE, ...options.headers } }),
  );
  for (const event of ['socket', 'response', 'upgrade', 'timeout', 'close', 'abort'])
    request.on(event, () => void events.push(event));
  request.on('error', (error) => {
    errors.push(error);
    events.push('error');
  });
  request.end(body);
  return { request, events, errors };
}

/** An agent whose first instance of red is gone, so that what is tested comes at a further attempt. */
async function secondAttempt(handler: UpgradeHandler, options: ColoredAgentOptions = {}) {
  const coloring = coloringOf();
  const gone = await freePort();
  coloring.put(recordOf('gone', 'stock', gone, 'red'));
  const agent = coloredAgent(coloring, options);
  const first = send(agent);
  await until(() => first.errors.length > 0); // from now on its cost is known, and yet it is among two
  coloring.remove('gone');
  coloring.put({ ...recordOf('gone-too', 'stock', gone, 'red'), weight: 1_000 });
  const second = await fleet.start(coloring, 'stock', { color: 'red', handler });
  return { coloring, agent, second };
}

it('one that is being opened is in flight at its instance, and an open one is not', async () => {
  const coloring = coloringOf();
  let answer: (() => void) | undefined;
  const instance = await fleet.start(coloring, 'stock', {
    color: 'red',
    handler: (_, socket) => {
      answer = () => socket.write('HTTP/1.1 101 Switching\r\nconnection: Upgrade\r\nupgrade: x\r\n\r\n');
    },
  });
  const agents = new AgentCaller(coloring, {});
  const pools = new PooledCaller(coloring, {});
  const dispatcher = new ColoredDispatcher(pools, undefined);
  const decision = route('red', 'stock', coloring.view());
  if (decision.kind !== 'colored') throw new Error(decision.kind);
  const agent = Object.assign(new http.Agent(), {
    addRequest: (request: http.ClientRequest, options: object) =>
      agents.add(request, options, http.globalAgent, 'http:'),
  });
  const ofUndici = { path: '/', origin: 'http://stock', protocol: 'x' } as const;
  const inFlightOf =
    <T>(balancer: Balancer<T>) =>
    () =>
      balancer.set(decision, 'red').pick(0).inFlight;
  const clients = [
    {
      inFlight: inFlightOf(agents.balancer),
      open: async () => (await once(send(agent).request, 'upgrade'))[1] as Duplex,
    },
    {
      inFlight: inFlightOf(pools.balancer),
      open: async () => (await withColor('red', () => dispatcher.upgrade(ofUndici as never))).socket,
    },
  ];
  for (const [at, { inFlight, open }] of clients.entries()) {
    expect(inFlight()).toBe(0);
    const opening = open();
    await until(() => instance.upgrades.length > at);
    expect(inFlight()).toBe(1);
    answer?.();
    const socket = (await opening).on('error', () => {});
    await until(() => inFlight() === 0);
    expect(socket.destroyed).toBe(false);
  }
});

it("ends with the caller's own timeout where an instance accepts and does not answer, and asks nobody else", async () => {
  const coloring = coloringOf();
  const both = [
    await fleet.start(coloring, 'stock', { color: 'red', handler: hang }),
    await fleet.start(coloring, 'stock', { color: 'red', handler: hang }),
  ];
  const agent = coloredAgent(coloring);
  const socket = withColor('red', () => new WebSocket('ws://stock/', { agent, handshakeTimeout: 200 }));
  const [error] = await once(socket, 'error');
  expect(String(error)).toContain('Opening handshake has timed out');
  expect(both.flatMap(({ upgrades }) => upgrades)).toHaveLength(1);
});

describe('at a further attempt', () => {
  it("the caller's timeouts hold, those that it sets later too", async () => {
    const { agent, second } = await secondAttempt(hang);
    for (const later of [false, true]) {
      const { request, events } = send(agent, later ? {} : { timeout: 200 });
      await until(() => second.upgrades.length > (later ? 1 : 0));
      if (later) request.setTimeout(200);
      await until(() => events.includes('timeout'));
      request.destroy();
      await until(() => events.includes('close'));
      expect(events.filter((event) => event === 'error')).toHaveLength(1);
    }
  });

  it.each([
    ['destroy', (request: http.ClientRequest) => void request.destroy()],
    ['abort', (request: http.ClientRequest) => request.abort()],
  ])('%s ends it, once, with the error of node:http', async (_, end) => {
    const { agent, second } = await secondAttempt(hang);
    const { request, events, errors } = send(agent);
    await until(() => second.upgrades.length === 1);
    expect(request.destroyed).toBe(false);
    end(request);
    await until(() => events.includes('close'));
    expect(errors.map(({ code }) => code)).toEqual(['ECONNRESET']);
    expect(request.destroyed).toBe(true);
    expect(second.upgrades).toHaveLength(1);
  });

  it('a signal ends it', async () => {
    const { agent, second } = await secondAttempt(hang);
    const controller = new AbortController();
    const { events, errors } = send(agent, { signal: controller.signal });
    await until(() => second.upgrades.length === 1);
    controller.abort();
    await until(() => events.includes('close'));
    expect(errors.map(({ name }) => name)).toEqual(['AbortError']);
  });

  it('without a listener for upgrade the connection is closed, as by node:http', async () => {
    let served: Duplex | undefined;
    const { agent } = await secondAttempt((_, socket) => {
      served = socket;
      socket.on('error', () => {}).resume();
      socket.write('HTTP/1.1 101 Switching\r\nconnection: Upgrade\r\nupgrade: x\r\n\r\n');
    });
    const request = withColor('red', () => http.get('http://stock/', { agent, headers: UPGRADE }));
    request.on('error', () => {});
    await until(() => served?.destroyed === true || served?.readableEnded === true);
  });

  it('the proof of who calls is made anew, and each attempt is told', async () => {
    const auth = serviceAuth({ secret: 's'.repeat(32) });
    const { agent, second } = await secondAttempt(breakOff, { auth, balancing: { retry: { max: 1 } } });
    const told: (number | undefined)[] = [];
    const listen = (event: unknown) => void told.push((event as DecisionEvent).attempt);
    subscribe(DECISION_CHANNEL, listen);
    const { events } = send(agent);
    await until(() => events.includes('error'));
    unsubscribe(DECISION_CHANNEL, listen);
    expect(told).toEqual([1, 2]);
    const names = second.upgrades[0]?.rawHeaders.map((name) => name.toLowerCase()) ?? [];
    expect(names.filter((name) => name.includes('signature')).length).toBeGreaterThan(0);
    expect(names.filter((name) => name === 'signature')).toHaveLength(1);
  });
});

it.each([
  ['has a body', { method: 'GET', headers: { 'content-length': '2' } }, 'hi'],
  ['is no idempotent request', { method: 'POST', headers: { 'content-length': '0' } }, undefined],
])('an upgrade that %s is not sent twice where an instance breaks off', async (_, options, body) => {
  const coloring = coloringOf();
  const both = [
    await fleet.start(coloring, 'stock', { color: 'red', handler: breakOff }),
    await fleet.start(coloring, 'stock', { color: 'red', handler: breakOff }),
  ];
  const { events, errors } = send(coloredAgent(coloring), options, body);
  await until(() => events.includes('close'));
  expect(errors).toMatchObject([{ code: 'COLORWAY_INSTANCE_UNREACHABLE' }]);
  expect(both.flatMap(({ upgrades }) => upgrades)).toHaveLength(1);
});

it('an error is short enough for a close frame, and whole as its cause', async () => {
  const coloring = coloringOf();
  coloring.member('stock', 'red');
  await fleet.start(coloring, 'stock');
  const gone = recordOf('gone', 'cart', await freePort(), 'red');
  coloring.put(gone);
  for (const [service, code] of [
    ['stock', 'COLORWAY_MEMBER_DOWN'],
    ['cart', 'COLORWAY_INSTANCE_UNREACHABLE'],
  ]) {
    const socket = withColor(
      'red',
      () => new WebSocket(`ws://${service}/`, { agent: coloredAgent(coloring) }),
    );
    const [error] = await once(socket, 'error');
    expect(error).toMatchObject({ code, cause: { code } });
    expect(Buffer.byteLength(error.message)).toBeLessThanOrEqual(123);
    expect(error.cause.message.length).toBeGreaterThan(error.message.length);
  }
});

it("undici's WebSocket does not say why: what Colorway refused is reported", async () => {
  const coloring = coloringOf();
  coloring.member('stock', 'red');
  await fleet.start(coloring, 'stock');
  const once = jest.spyOn(coloring.reporter, 'once').mockReturnValue();
  const dispatcher = coloredDispatcher(coloring);
  const socket = withColor('red', () => new UndiciWebSocket('ws://stock/', { dispatcher }));
  await expect(opened(socket as unknown as SocketLike)).rejects.toThrow();
  expect(once).toHaveBeenCalledWith(
    'COLORWAY_WEBSOCKET_REFUSED',
    expect.stringContaining('COLORWAY_MEMBER_DOWN'),
    expect.stringContaining('stock'),
  );
});

it('an instance that serves TLS is called with it, whatever the URL says', async () => {
  const coloring = coloringOf();
  const server = https.createServer(TLS);
  new WebSocketServer({ server }).on('connection', (socket) => socket.send('{"id":"tls"}'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  const record = { ...recordOf('tls', 'stock', port, 'red'), secure: true };
  coloring.put(record, { ...record, id: 'gone', port: await freePort() });
  const agentOptions = { ca: TLS.cert };
  for (let one = 0; one < 4; one++) {
    for (const [url, protocol] of [
      ['ws://stock/', 'http:'],
      ['wss://stock/', 'https:'],
    ] as const) {
      const agent = coloredAgent(coloring, { agentOptions, protocol });
      const socket = withColor('red', () => new WebSocket(url, { agent }));
      const open = await opened(socket as unknown as SocketLike);
      expect(open.greeting.id).toBe('tls');
      await open.close();
    }
  }
});

it('law 1: at a foreign host too, events are in the color of who opened, on a connection that others had used', async () => {
  const foreign = await fleet.serve('foreign');
  const fallback = new http.Agent({ keepAlive: true });
  closing.push(() => fallback.destroy());
  const agent = coloredAgent(coloringOf(), { fallback });
  const url = `http://127.0.0.1:${foreign.port}/`;
  const [response] = await withColor('blue', () => once(http.get(url, { agent }), 'response'));
  await once((response as http.IncomingMessage).resume(), 'close');
  await new Promise((resolve) => setImmediate(resolve));
  const socket = withColor('red', () => new WebSocket(url.replace('http', 'ws'), { agent }));
  const open = await opened(socket as unknown as SocketLike);
  expect(activeColor()).toBeUndefined();
  await open.ask('hello');
  await open.close();
  expect(open.events).toEqual(['open red', 'message red', 'message red', 'close red']);
});
