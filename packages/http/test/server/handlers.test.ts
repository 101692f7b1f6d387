import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ColorwayError } from '@colorway/core';
import { environmentsHandler, type JsonHandler, readinessHandler } from '@colorway/http/handlers';
import express5 from 'express';
import fastify from 'fastify';
import Koa from 'koa';

const running: (() => Promise<unknown> | unknown)[] = [];

afterEach(async () => {
  for (const stop of running.splice(0)) await stop();
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  running.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Each host takes the handler as it stands; types included. */
const HOSTS: readonly [name: string, start: (handler: JsonHandler) => Promise<number>][] = [
  ['express 5', (handler) => listen(createServer(express5().get('/', handler)))],
  [
    'express 4',
    (handler) => listen(createServer((require('express4') as typeof express5)().get('/', handler))),
  ],
  [
    'fastify',
    async (handler) => {
      const app = fastify();
      app.get('/', handler);
      await app.listen({ port: 0, host: '127.0.0.1' });
      running.push(() => app.close());
      return (app.server.address() as AddressInfo).port;
    },
  ],
  ['koa', (handler) => listen(createServer(new Koa().use(handler).callback()))],
  ['node:http', (handler) => listen(createServer(handler))],
];

describe.each(HOSTS)('a handler on %s', (_name, start) => {
  async function ask(port: number) {
    const response = await fetch(`http://127.0.0.1:${port}/`, { headers: { connection: 'close' } });
    expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    return { status: response.status, body: await response.json() };
  }

  it('says that it is ready, that its check says no, and from the beginning of close() on that it closes', async () => {
    const coloring = { isClosing: false };
    const answers: (() => boolean | Promise<boolean>)[] = [
      () => true,
      async () => false,
      () => {
        throw new Error('the database is away');
      },
      () => 1 as unknown as boolean,
    ];
    const port = await start(
      readinessHandler(coloring, { check: () => (answers.shift() ?? (() => true))() }),
    );
    expect(await ask(port)).toEqual({ status: 200, body: { ready: true } });
    for (const _ of [1, 2, 3])
      expect(await ask(port)).toEqual({ status: 503, body: { ready: false, reason: 'check' } });
    coloring.isClosing = true;
    expect(await ask(port)).toEqual({ status: 503, body: { ready: false, reason: 'closing' } });
  });

  it('lists the environments, and says in one way that it cannot', async () => {
    const overview = jest.fn<Promise<object[]>, []>();
    overview.mockResolvedValueOnce([{ color: 'feat-cart' }]);
    const port = await start(environmentsHandler({ overview }));
    expect(await Promise.all([ask(port), ask(port)])).toEqual([
      { status: 200, body: [{ color: 'feat-cart' }] },
      { status: 200, body: [{ color: 'feat-cart' }] },
    ]);
    expect(overview).toHaveBeenCalledTimes(1);

    overview.mockRejectedValueOnce(new ColorwayError('COLORWAY_STATE_MISSING', 'no state'));
    const failing = await start(environmentsHandler({ overview }));
    expect(await ask(failing)).toEqual({
      status: 500,
      body: { code: 'COLORWAY_STATE_MISSING', message: 'no state' },
    });
    overview.mockRejectedValueOnce(new Error('secret inner words'));
    const broken = await start(environmentsHandler({ overview }));
    expect(await ask(broken)).toEqual({
      status: 503,
      body: { code: 'COLORWAY_DIRECTORY_FAILED', message: 'The environments could not be read.' },
    });
  });
});

it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, '2000'])(
  'a time limit for the check that no timer can wait for is refused: %p',
  (timeoutMs) => {
    expect(() => readinessHandler({ isClosing: false }, { timeoutMs: timeoutMs as number })).toThrow(
      expect.objectContaining({
        code: 'COLORWAY_INVALID_OPTION',
        message: expect.stringContaining('timeoutMs'),
      }),
    );
  },
);

it('readiness that turns while its check runs is the later one', async () => {
  const coloring = { isClosing: false };
  const port = await listen(
    createServer(
      readinessHandler(coloring, {
        check: async () => {
          coloring.isClosing = true;
          return true;
        },
      }),
    ),
  );
  expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(503);
});

it('many who ask whether it is ready cost one check at a time, and one that hangs is not begun again', async () => {
  let begun = 0;
  const hanging: ((answer: boolean) => void)[] = [];
  const check = (): boolean | Promise<boolean> =>
    begun++ > 0 || new Promise<boolean>((resolve) => hanging.push(resolve));
  const handler = readinessHandler({ isClosing: false }, { check, timeoutMs: 50 });
  const port = await listen(createServer(handler));
  const status = async (): Promise<number> => (await fetch(`http://127.0.0.1:${port}/`)).status;
  for (const _ of [1, 2])
    expect(new Set(await Promise.all(Array.from({ length: 50 }, status)))).toEqual(new Set([503]));
  expect(begun).toBe(1);
  for (const answer of hanging) answer(true);
  expect(await status()).toBe(200);
  expect(begun).toBe(2);
});
