import { EventEmitter, once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { activeColor, activeFlowType } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { fastifyColoring } from '@colorway/http/fastify';
import { coloredServer } from '@colorway/http/node';
import { context, propagation } from '@opentelemetry/api';
import fastify from 'fastify';
import { fakeColoring } from './fake-coloring.js';
import { type Exchange, HOSTS, stopHosts } from './hosts.js';
import { get, parseAnswer, post, sendRaw } from './raw-request.js';

setupContext();
afterEach(stopHosts);

const CART = 'x-infr-flowtype: CE_feat-cart';

describe.each(HOSTS)('law 1, color travels: $name', (host) => {
  async function serve(handle: (exchange: Exchange) => unknown) {
    const coloring = fakeColoring();
    const errors: unknown[] = [];
    const { port } = await host.start(coloring, { handle, onError: (error) => errors.push(error) });
    return { coloring, port, errors };
  }

  it('through promises, timers, immediates, ticks and microtasks', async () => {
    const { port } = await serve(async () => {
      const seen = [activeColor()];
      await Promise.resolve();
      seen.push(activeColor());
      await delay(1);
      seen.push(activeColor());
      for (const schedule of [setImmediate, process.nextTick, queueMicrotask, setTimeout]) {
        seen.push(await new Promise<string | undefined>((resolve) => schedule(() => resolve(activeColor()))));
      }
      return seen;
    });
    expect(JSON.parse((await get(port, [CART])).body)).toEqual(Array(7).fill('feat-cart'));
  });

  it('through streams and async iteration of the body', async () => {
    const { port } = await serve(async ({ req, body }) => {
      const seen: unknown[] = [];
      const spy = new Transform({
        transform(chunk, _encoding, done) {
          seen.push(activeColor());
          done(null, chunk);
        },
      });
      const source = host.parsesBodies ? Readable.from([Buffer.from(JSON.stringify(body))]) : req;
      await pipeline(source, spy, async (chunks) => {
        for await (const _ of chunks) seen.push(activeColor());
      });
      return [...seen, activeColor()];
    });
    const seen = JSON.parse((await post(port, [CART], '{"a":1}')).body);
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(new Set(seen)).toEqual(new Set(['feat-cart']));
  });

  it('into the framework behind its body parser', async () => {
    const { port } = await serve(({ body }) => [activeColor(), body ?? null]);
    const answer = await post(port, [CART], '{"a":1}');
    expect(JSON.parse(answer.body)).toEqual(['feat-cart', host.parsesBodies ? { a: 1 } : null]);
  });

  it('into raw listeners on the response', async () => {
    const seen: Record<string, unknown> = {};
    const events = new EventEmitter();
    const { port } = await serve(({ res }) => {
      res.on('finish', () => {
        seen.finish = activeColor();
      });
      res.once('close', () => {
        seen.close = activeColor();
        events.emit('closed');
      });
      return {};
    });
    const closed = once(events, 'closed');
    await get(port, [CART]);
    await closed;
    expect(seen).toEqual({ finish: 'feat-cart', close: 'feat-cart' });
  });

  it('is not given to an uncolored request, and another flow type travels on', async () => {
    const { port } = await serve(() => [activeColor() ?? null, activeFlowType()?.text ?? null]);
    expect(JSON.parse((await get(port)).body)).toEqual([null, null]);
    expect(JSON.parse((await get(port, ['x-infr-flowtype: loadtest'])).body)).toEqual([null, 'loadtest']);
  });

  it('with the other baggage members, read once', async () => {
    const { port } = await serve(() => propagation.getBaggage(context.active())?.getAllEntries() ?? null);
    const read = async (lines: string[]) =>
      Object.fromEntries(
        JSON.parse((await get(port, lines)).body).map(([key, { value }]: [string, { value: string }]) => [
          key,
          value,
        ]),
      );
    const color = { 'x-infr-flowtype': 'CE_feat-cart' };
    expect(await read([CART])).toEqual(color);
    expect(await read(['baggage: x-infr-flowtype=CE_feat-cart'])).toEqual(color);
    expect(await read(['baggage: user=7, x-infr-flowtype=CE_feat-cart;p=1'])).toEqual({
      ...color,
      user: '7',
    });
    expect(await read([CART, 'baggage: user=7'])).toEqual({ ...color, user: '7' });
    expect(await read([CART, 'baggage: x-infr-flowtype=CE_other'])).toEqual(color);
  });

  it('never mixes interleaved requests, on connections of their own', async () => {
    const gate = new EventEmitter();
    let waiting = 0;
    const { port } = await serve(async () => {
      const before = activeColor();
      if (++waiting === 2) setImmediate(() => gate.emit('open'));
      await once(gate, 'open');
      await delay(1);
      return [before, activeColor()];
    });
    const answers = await Promise.all(
      ['red', 'blue'].map((color) => get(port, [`x-infr-flowtype: CE_${color}`])),
    );
    expect(answers.map(({ body }) => JSON.parse(body))).toEqual([
      ['red', 'red'],
      ['blue', 'blue'],
    ]);
  });

  it('never mixes requests that follow each other, and overlap, on one connection', async () => {
    const finished: unknown[] = [];
    const { port, coloring } = await serve(async ({ req, res }) => {
      const { url } = req;
      res.on('finish', () => finished.push([url, activeColor()]));
      await delay(url === '/first' ? 20 : 1);
      return [url, activeColor() ?? null];
    });
    const request = (path: string, ...lines: string[]) =>
      [`GET ${path} HTTP/1.1`, 'host: order', ...lines, '', ''].join('\r\n');
    const text = await sendRaw(
      port,
      request('/first', 'x-infr-flowtype: CE_red') +
        request('/second', 'x-infr-flowtype: CE_blue') +
        request('/third', 'connection: close'),
    );
    expect(text.match(/\["\/\w+",(?:"\w+"|null)\]/g)).toEqual([
      '["/first","red"]',
      '["/second","blue"]',
      '["/third",null]',
    ]);
    expect(finished).toEqual([
      ['/first', 'red'],
      ['/second', 'blue'],
      ['/third', undefined],
    ]);
    expect(coloring.inFlight.count).toBe(0);
  });
});

describe.each(HOSTS.filter(({ parsesBodies }) => !parsesBodies))(
  'raw listeners on the request: $name',
  (host) => {
    it.each(['on', 'once', 'addListener', 'prependListener'] as const)(
      'run in its color, added by %s',
      async (add) => {
        const seen: unknown[] = [];
        const { port } = await host.start(fakeColoring(), {
          handle: ({ req, res }) => {
            req[add]('data', (chunk: Buffer) => seen.push([String(chunk), activeColor()]));
            req[add]('end', () => {
              seen.push(activeColor());
              res.end('bye');
            });
            req.resume(); // only on('data') does it by itself
            return undefined;
          },
        });
        const body = await new Promise<string>((resolve) => {
          const socket = connect(port, '127.0.0.1');
          let text = '';
          socket.on('data', (chunk) => {
            text += chunk;
          });
          socket.on('close', () => resolve(text));
          socket.write(
            `POST / HTTP/1.1\r\nhost: a\r\nconnection: close\r\ncontent-length: 4\r\n${CART}\r\n\r\n`,
          );
          setTimeout(() => socket.write('body'), 20);
        });
        expect(parseAnswer(body).status).toBe(200);
        expect(seen).toEqual([['body', 'feat-cart'], 'feat-cart']);
      },
    );
  },
);

it("Fastify: hooks that run before every plugin (NestJS's middlewares) are in color behind coloredServer", async () => {
  const coloring = fakeColoring();
  const app = fastify();
  const seen: unknown[] = [];
  coloredServer(coloring, app.server);
  app.addHook('onRequest', async () => {
    await delay(1);
    seen.push(activeColor());
  });
  await app.register(fastifyColoring, { coloring });
  app.get('/', async () => [activeColor() ?? null, coloring.inFlight.count]);
  await app.listen({ port: 0, host: '127.0.0.1' });
  const { port } = app.server.address() as AddressInfo;
  expect((await get(port, [CART])).body).toBe('["feat-cart",1]');
  expect((await get(port)).body).toBe('[null,1]');
  await app.close();
  expect(seen).toEqual(['feat-cart', undefined]);
});
