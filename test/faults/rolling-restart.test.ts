import http from 'node:http';
import { text } from 'node:stream/consumers';
import { withColor } from '@colorway/core';
import { coloredAgent } from '@colorway/http/agent';
import { coloredFetch } from '@colorway/http/fetch';
import { coloredDispatcher } from '@colorway/http/undici';
import { type ColoringService, createColoring } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { request } from 'undici';
import { ConnectionBalancer } from '../support/connection-balancer.js';
import { ProcessFleet, type ServiceProcess } from '../support/process-fleet.js';

const COLORS = [undefined, 'feat-cart'] as const;
const INSTANCES = [0, 1, 2];

/** A call on a kept connection: a GET, or a POST of this text, which nobody may send twice. */
type Call = (sent?: string) => Promise<string>;

/** Each way of calling. Retries are off, so that none of them hides what a restart breaks. */
function clientsOf(coloring: ColoringService): ReadonlyMap<string, Call> {
  const options = { services: ['stock'], balancing: { retry: { max: 0 } } };
  const get = 'http://stock/items/7';
  const post = 'http://stock/items';
  const fetch = coloredFetch(coloring, options);
  const dispatcher = coloredDispatcher(coloring, options);
  const agent = coloredAgent(coloring, options);
  return new Map<string, Call>([
    [
      'fetch',
      async (sent) => {
        const response = await (sent
          ? fetch(post, { method: 'POST', headers, body: body(sent) })
          : fetch(get));
        return `${response.status} ${await response.text()}`;
      },
    ],
    [
      'undici',
      async (sent) => {
        const response = await (sent
          ? request(post, { method: 'POST', headers, body: body(sent), dispatcher })
          : request(get, { dispatcher }));
        return `${response.statusCode} ${await response.body.text()}`;
      },
    ],
    ['http.Agent', callsThrough(agent, 'http://stock')],
  ]);
}

function callsThrough(agent: http.Agent, origin: string): Call {
  return (sent) =>
    new Promise((resolve, reject) => {
      const method = sent ? 'POST' : 'GET';
      http
        .request(`${origin}/items${sent ? '' : '/7'}`, { method, headers: sent ? headers : {}, agent })
        .on('error', reject)
        .on('response', (response) => {
          text(response).then((told) => resolve(`${response.statusCode} ${told}`), reject);
        })
        .end(sent && body(sent));
    });
}

const headers = { 'content-type': 'application/json' };
const body = (sent: string) => JSON.stringify({ sent });

describe.each(['express', 'fastify'])('a rolling restart of three instances on %s', (framework) => {
  let fleet: ProcessFleet;
  let coloring: ColoringService;

  beforeEach(async () => {
    fleet = await ProcessFleet.open();
    coloring = createColoring({
      service: 'caller',
      color: '',
      directory: fileDirectory({ folder: fleet.folder }),
      closing: { noticeMs: 0 },
    });
  });

  afterEach(async () => {
    await coloring.close();
    await fleet.close();
  });

  const start = (color?: string): Promise<ServiceProcess> =>
    fleet.start('stock', color, { FRAMEWORK: framework, NOTICE_MS: '1500' }, 'web-service.mjs');

  /** Calls from all clients, `each` times, with GET and POST in turn, until it is told to stop. */
  function load(clients: ReadonlyMap<string, Call>, colors: readonly (string | undefined)[], each: number) {
    const answers = new Map<string, number>();
    const wrong: string[] = [];
    let isStopped = false;
    async function work(name: string, call: Call, color: string | undefined): Promise<void> {
      for (let sent = 0; !isStopped; sent++) {
        const what = sent % 2 === 0 ? undefined : `${name}-${sent}`;
        const expected = new RegExp(`^200 ${color ?? 'baseline'} (\\d+)${what ? ` ${what}` : ''}$`);
        try {
          const answer = await withColor(color, () => call(what));
          const pid = expected.exec(answer)?.[1];
          if (pid === undefined) wrong.push(`${name}, ${color}: ${answer}`);
          else answers.set(pid, (answers.get(pid) ?? 0) + 1);
        } catch (error) {
          wrong.push(`${name}, ${color}, ${what ?? 'GET'}: ${String((error as Error).cause ?? error)}`);
        }
        await new Promise((resolve) => setTimeout(resolve, Math.random() * 10));
      }
    }
    const workers = Array.from(clients).flatMap(([name, call]) =>
      colors.flatMap((color) =>
        Array.from({ length: each }, (_, which) => work(`${name}-${which}`, call, color)),
      ),
    );
    return {
      wrong,
      served: ({ pid }: ServiceProcess) => (answers.get(String(pid)) ?? 0) > 0,
      count: () => [...answers.values()].reduce((sum, count) => sum + count, 0),
      async stop() {
        isStopped = true;
        await Promise.all(workers);
      },
    };
  }

  async function until(what: string, truth: () => boolean): Promise<void> {
    const deadline = performance.now() + 30_000;
    while (!truth()) {
      if (performance.now() > deadline) throw new Error(`not within 30 s: ${what}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  const sees = (count: number) =>
    until(`${count} instances of each color`, () => {
      const stock = coloring.view().services.get('stock');
      return [stock?.uncolored, stock?.colored.get('feat-cart')].every(
        (decision) => decision && 'instances' in decision && decision.instances.length === count,
      );
    });

  it('under load, colored and not: no call fails, not even a POST that nobody may send twice', async () => {
    const running = await Promise.all(
      INSTANCES.map(() => Promise.all(COLORS.map(async (color) => ({ color, process: await start(color) })))),
    );
    await sees(3);
    const { wrong, served, count, stop } = load(clientsOf(coloring), COLORS, 3);
    for (const pair of running) {
      await until('the instances serve', () => pair.every(({ process }) => served(process)));
      await Promise.all(
        pair.map(async (one) => {
          await one.process.end('SIGTERM');
          one.process = await start(one.color);
        }),
      );
      await sees(3);
    }
    await until('the new instances serve', () => running.flat().every(({ process }) => served(process)));
    await stop();
    expect(wrong).toEqual([]);
    expect(count()).toBeGreaterThan(1_000);
  }, 180_000);

  it('behind a balancer of connections that asks for readiness: no call of a kept connection fails', async () => {
    const running = await Promise.all(INSTANCES.map(() => start()));
    const balancer = await ConnectionBalancer.start(() => running.map(({ port }) => port));
    const agent = new http.Agent({ keepAlive: true });
    try {
      const clients = new Map([['plain', callsThrough(agent, `http://127.0.0.1:${balancer.port}`)]]);
      const { wrong, served, stop } = load(clients, [undefined], 8);
      for (const which of INSTANCES) {
        const leaving = running[which] as ServiceProcess;
        await until('the instance serves', () => served(leaving));
        await leaving.end('SIGTERM');
        const next = await start();
        running[which] = next;
        await until('the balancer has seen it', () => balancer.ready.includes(next.port));
      }
      await stop();
      expect(wrong).toEqual([]);
    } finally {
      agent.destroy();
      balancer.close();
    }
  }, 180_000);
});
