import http from 'node:http';
import { text } from 'node:stream/consumers';
import { activeColor, MISDIRECTED_HEADER, withColor } from '@colorway/core';
import { coloredAgent } from '@colorway/http/agent';
import { create } from 'axios';
import { FakeColoring } from '../support/fake-coloring.js';
import { echo, Fleet, type Running } from '../support/fleet.js';

/** All that a caller of node:http may have seen. */
interface Seen {
  events: string[];
  answer?: { status: number; id: string; method: string; body: string };
  error?: Error & { code?: string };
}

describe('coloredAgent: an instance that is another one', () => {
  const fleet = new Fleet();
  let coloring: FakeColoring;
  let agent: http.Agent;
  let good: Running;
  let stale: Running[];
  let handled = 0;

  beforeEach(() => {
    coloring = new FakeColoring();
    agent = coloredAgent(coloring);
    handled = 0;
    stale = [];
  });
  afterEach(async () => {
    agent.destroy();
    await coloring.close();
    await fleet.close();
  });

  /** Instances that are others, as the directory does not know yet, and one that serves. */
  async function start(others: number, answer: http.RequestListener = misdirected): Promise<void> {
    good = await fleet.start(coloring, 'stock', {
      color: 'red',
      handler(request, response) {
        handled++;
        echo('good')(request, response);
      },
    });
    for (let one = 0; one < others; one++)
      stale.push(await fleet.start(coloring, 'stock', { color: 'red', handler: answer }));
  }

  const misdirected: http.RequestListener = (request, response) => {
    request.resume();
    response.writeHead(421, { [MISDIRECTED_HEADER]: '1' }).end('another one');
  };

  function send(
    method: string,
    {
      body,
      headers = {},
      go,
    }: { body?: string; headers?: object; go?(request: http.ClientRequest): void } = {},
  ): Promise<Seen> {
    return withColor('red', () => {
      const seen: Seen = { events: [] };
      const request = http.request('http://stock/items', { agent, method, headers: { ...headers } });
      return new Promise((resolve) => {
        request
          .on('error', (error) => {
            seen.events.push(`error ${activeColor()}`);
            seen.error = error;
          })
          .on('response', (response) => {
            seen.events.push(`response ${activeColor()}`);
            void text(response).then(
              (told) => {
                const { id, method: of, body: got } = told === '' ? ({} as never) : JSON.parse(told);
                seen.answer = { status: response.statusCode ?? 0, id, method: of, body: got };
              },
              () => {},
            );
          })
          .on('close', () => {
            seen.events.push('close');
            setImmediate(() => resolve(seen));
          });
        if (go === undefined) request.end(body);
        else go(request);
      });
    });
  }

  it.each([
    ['GET', undefined],
    ['DELETE', undefined],
    ['OPTIONS', undefined],
    ['POST', undefined],
    ['POST', 'once'],
    ['PUT', 'x'.repeat(200_000)],
  ])('%s goes on until somebody is the right one, and is handled once', async (method, body) => {
    await start(5);
    for (let one = 1; one <= 8; one++) {
      const seen = await send(method, body === undefined ? {} : { body });
      expect(seen).toEqual({
        events: ['response red', 'close'],
        answer: { status: 200, id: 'good', method, body: body ?? '' },
      });
      expect(handled).toBe(one);
    }
    for (const { requests } of stale) expect(requests.length).toBeLessThanOrEqual(1);
    expect(stale.reduce((sum, { requests }) => sum + requests.length, 0)).toBeGreaterThan(0);
  });

  it('HEAD goes on', async () => {
    await start(5);
    for (let one = 1; one <= 8; one++) {
      const seen = await send('HEAD');
      expect(seen).toMatchObject({ events: ['response red', 'close'], answer: { status: 200 } });
      expect(handled).toBe(one);
    }
  });

  it('goes on where the other one closes its connections', async () => {
    await start(4, (request, response) => {
      request.resume();
      response.writeHead(421, { [MISDIRECTED_HEADER]: '1', connection: 'close' }).end('another one');
    });
    for (let one = 1; one <= 8; one++) {
      expect(await send('GET')).toMatchObject({ events: ['response red', 'close'], answer: { id: 'good' } });
      expect(handled).toBe(one);
    }
  });

  it('goes on where the answer of the other one breaks off', async () => {
    await start(4, (_, response) => {
      response.writeHead(421, { [MISDIRECTED_HEADER]: '1', 'content-length': '1000' }).write('another');
      setTimeout(() => response.destroy(), 5);
    });
    for (let one = 1; one <= 8; one++) {
      expect(await send('GET')).toMatchObject({ events: ['response red', 'close'], answer: { id: 'good' } });
      expect(handled).toBe(one);
    }
  });

  it('keeps its connections, and gives none away twice', async () => {
    await start(2);
    for (let one = 0; one < 20; one++) await send('GET');
    expect(good.sockets.size).toBe(1);
    for (const { sockets } of stale) expect(sockets.size).toBeLessThanOrEqual(1);
  });

  it('a body that is still being written: a typed error, nothing sent twice, and the next call goes on', async () => {
    await start(3);
    const outcomes = [];
    for (let one = 0; one < 8; one++) {
      const seen = await send('POST', {
        go(request) {
          request.write('first,');
          setTimeout(() => request.end('last'), 20);
        },
      });
      outcomes.push(seen.error?.code ?? seen.answer?.body);
    }
    expect([...new Set(outcomes)].sort()).toEqual(['COLORWAY_INSTANCE_MISDIRECTED', 'first,last']);
    expect(handled).toBe(outcomes.filter((outcome) => outcome === 'first,last').length);
    expect(handled).toBeGreaterThanOrEqual(5);
  });

  it('is refused with the typed error when nobody is the right one, and closes', async () => {
    stale = await Promise.all(
      [1, 2, 3].map(() => fleet.start(coloring, 'stock', { color: 'red', handler: misdirected })),
    );
    const { events, error } = await send('GET');
    expect(events).toEqual(['error red', 'close']);
    expect(error).toMatchObject({ code: 'COLORWAY_INSTANCE_MISDIRECTED' });
    expect(stale.map(({ requests }) => requests.length)).toEqual([1, 1, 1]);
  });

  it("ends with the caller's own error when it gives up while the other one answers", async () => {
    await start(0);
    await good.kill();
    coloring.remove(good.id);
    let given: (() => void) | undefined;
    await fleet.start(coloring, 'stock', {
      color: 'red',
      handler(_, response) {
        response.writeHead(421, { [MISDIRECTED_HEADER]: '1', 'content-length': '1000' }).write('another');
        given?.();
      },
    });
    const {
      events: [first = '', ...events],
      error,
    } = await send('GET', {
      go(request) {
        given = () => setTimeout(() => request.destroy(new Error('enough')), 20);
        request.end();
      },
    });
    expect(first).toMatch(/^error/);
    expect({ events, message: error?.message }).toEqual({
      events: ['close'],
      message: 'enough',
    });
    expect(handled).toBe(0);
  });

  it("keeps the caller's time-out for the next instance", async () => {
    await start(3);
    let timeouts = 0;
    coloring.remove(good.id);
    await fleet.start(coloring, 'stock', { color: 'red', handler: () => {} });
    const { error } = await send('GET', {
      go(request) {
        request.setTimeout(100, () => {
          timeouts++;
          request.destroy(new Error('too long'));
        });
        request.end();
      },
    });
    expect({ message: error?.message, timeouts }).toEqual({ message: 'too long', timeouts: 1 });
  });

  it('axios over it goes on, with a JSON body too', async () => {
    await start(4);
    const client = create({ httpAgent: agent });
    for (let one = 1; one <= 8; one++) {
      const { data } = await withColor('red', () =>
        one % 2 ? client.get('http://stock/') : client.post('http://stock/', { one }),
      );
      expect(data).toMatchObject({ id: 'good', body: one % 2 ? '' : JSON.stringify({ one }) });
      expect(handled).toBe(one);
    }
  });
});
