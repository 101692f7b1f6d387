import http from 'node:http';
import { type RouteDecision, route } from '@colorway/core';
import { request } from 'undici';
import { AgentCaller } from '../../src/client/agent-caller.js';
import type { Balancer } from '../../src/client/balancing/balancer.js';
import { PooledCaller } from '../../src/client/pooled-caller.js';
import { ColoredDispatcher } from '../../src/client/undici.js';
import { FakeColoring } from '../support/fake-coloring.js';
import { Fleet, type Running } from '../support/fleet.js';

/** What stays counted as in flight would turn the traffic away from an instance for ever. */
describe('requests in flight', () => {
  const fleet = new Fleet();
  let coloring: FakeColoring;
  let stock: Running;

  beforeEach(async () => {
    coloring = new FakeColoring();
    stock = await fleet.start(coloring, 'stock', {
      handler: ({ url, socket }, response) => {
        if (url === '/ok') response.end('ok');
        if (url === '/busy') response.writeHead(503).end();
        if (url === '/break') socket.resetAndDestroy();
        if (url === '/half') response.write('half', () => socket.resetAndDestroy());
      },
    });
  });

  afterEach(async () => {
    await coloring.close();
    await fleet.close();
  });

  const PATHS = ['/ok', '/busy', '/break', '/half', '/silent'];

  function inFlight<T>(balancer: Balancer<T>): number {
    const decision = route(undefined, 'stock', coloring.view()) as Extract<
      RouteDecision,
      { kind: 'baseline' }
    >;
    return balancer.set(decision, undefined).pick(0).inFlight;
  }

  async function arrived(path: string): Promise<void> {
    while (!stock.requests.some(({ url }) => url === path))
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  it('are counted while they are, with undici', async () => {
    const pools = new PooledCaller(coloring, {});
    const dispatcher = new ColoredDispatcher(pools, undefined);
    const controller = new AbortController();
    const calls = PATHS.map(async (path) => {
      const { body } = await request(`http://stock${path}`, { dispatcher, signal: controller.signal });
      await body.text();
    });
    // At once: some end while the test still waits, and a rejection that nobody awaits yet would fail it.
    const settled = Promise.allSettled(calls);
    expect(inFlight(pools.balancer)).toBe(PATHS.length);
    await arrived('/silent');
    controller.abort();
    await settled;
    expect(inFlight(pools.balancer)).toBe(0);
  });

  it('are counted while they are, with node:http', async () => {
    const calls = new AgentCaller(coloring, {});
    class Agent extends http.Agent {
      addRequest(outgoing: http.ClientRequest, options: object): void {
        calls.add(outgoing, options, http.globalAgent, 'http:');
      }
    }
    const agent = new Agent({ keepAlive: true });
    const controller = new AbortController();
    const ended = PATHS.map(
      (path) =>
        new Promise<void>((resolve) => {
          http
            .get(`http://stock${path}`, { agent, signal: controller.signal })
            .on('response', (response) => response.resume().on('error', () => {}))
            .on('error', () => {})
            .on('close', () => setImmediate(resolve));
        }),
    );
    expect(inFlight(calls.balancer)).toBe(PATHS.length);
    await arrived('/silent');
    controller.abort();
    await Promise.all(ended);
    expect(inFlight(calls.balancer)).toBe(0);
  });
});
