import { setTimeout as delay } from 'node:timers/promises';
import { activeColor, ColorwayError, explain, type Instance, isColorwayError } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import type { ServerColoringOptions } from '@colorway/http/express';
import { fakeColoring } from './fake-coloring.js';
import { type Exchange, HOSTS, stopHosts } from './hosts.js';
import { get, headerValues } from './raw-request.js';

setupContext();
afterEach(stopHosts);

const RED = 'x-infr-flowtype: CE_feat-cart';
const ENTRY = 'order;desc="feat-cart 10.0.0.7:3001 colored"';
const UNCOLORED_ENTRY = 'order;desc="- 10.0.0.7:3001 no-color"';
const instance: Instance = {
  id: 'i',
  service: 'order',
  host: '10.0.0.7',
  port: 3001,
  secure: false,
  weight: 1,
  metadata: {},
  startedAt: 0,
  color: 'feat-cart',
};

function call(): void {
  const color = activeColor();
  explain({
    caller: 'gateway',
    service: 'order',
    color,
    kind: color === undefined ? 'baseline' : 'colored',
    reason: color === undefined ? 'no-color' : 'colored',
    instance,
    attempt: 1,
  });
}

describe.each(HOSTS)('law 9, the response tells the way: $name', (host) => {
  async function timing(
    handle: (exchange: Exchange) => unknown,
    options: ServerColoringOptions<object> = {},
    lines = [RED],
  ): Promise<string[]> {
    const { port } = await host.start(fakeColoring(), { handle }, options);
    return headerValues(await get(port, lines), 'server-timing');
  }
  const calls = async () => {
    await delay(1);
    call();
    return {};
  };

  it('and never breaks an answer, whatever a directory says of a host', async () => {
    const explainOdd = (host: string) =>
      explain({
        ...{ caller: 'gateway', service: 'order', color: 'feat-cart', kind: 'colored', reason: 'colored' },
        instance: { ...instance, host },
        attempt: 1,
      });
    const hosts = ['10.0.0.1\n', '10.0.0.1\r\nset-cookie: a=b', 'a\0b', '\u0441\u0442\u043e\u043a', 'a"b'];
    const told = await timing(() => {
      for (const one of hosts) explainOdd(one);
      return {};
    });
    expect(told.join(', ').split(', ')).toHaveLength(hosts.length);
    expect(told.join()).toMatch(/^[\x20-\x7e]+$/);
  });

  it('of colored requests by default', async () => {
    expect(await timing(calls)).toEqual([ENTRY]);
    expect(await timing(calls, {}, [])).toEqual([]);
    expect(await timing(calls, {}, ['x-infr-flowtype: loadtest'])).toEqual([]);
    expect(await timing(() => ({}))).toEqual([]);
  });

  it('of all, or of none', async () => {
    expect(await timing(calls, { explain: 'always' }, [])).toEqual([UNCOLORED_ENTRY]);
    expect(await timing(calls, { explain: 'always' })).toEqual([ENTRY]);
    expect(await timing(calls, { explain: 'never' })).toEqual([]);
  });

  it('also when the call is refused', async () => {
    const { port } = await host.start(fakeColoring(), {
      handle: () => {
        call();
        throw new ColorwayError('COLORWAY_MEMBER_DOWN', 'down');
      },
    });
    expect(headerValues(await get(port, [RED]), 'server-timing')).toEqual([ENTRY]);
  });

  const KEPT: readonly (readonly [string, (exchange: Exchange) => void, string])[] = [
    ['setHeader', ({ res }) => res.setHeader('Server-Timing', 'db;dur=5').end(), `db;dur=5, ${ENTRY}`],
    [
      'setHeader with a list',
      ({ res }) => res.setHeader('server-timing', ['a', 'b']).end(),
      `a, b, ${ENTRY}`,
    ],
    [
      'writeHead with an object',
      ({ res }) => res.writeHead(200, { 'server-timing': 'db;dur=5' }).end(),
      `db;dur=5, ${ENTRY}`,
    ],
    [
      'writeHead with a reason',
      ({ res }) => res.writeHead(200, 'Fine', { 'server-timing': 'db' }).end(),
      `db, ${ENTRY}`,
    ],
    [
      'writeHead with a flat list',
      ({ res }) => res.writeHead(200, ['x-a', '1', 'Server-Timing', 'db', 'server-timing', 'ui']).end(),
      `db, ui, ${ENTRY}`,
    ],
    [
      'setHeader, then writeHead with other headers',
      ({ res }) => res.setHeader('server-timing', 'db').writeHead(200, { 'x-a': '1' }).end(),
      `db, ${ENTRY}`,
    ],
    [
      'setHeader, then writeHead with a flat list',
      ({ res }) => res.setHeader('server-timing', 'db').writeHead(200, ['x-a', '1']).end(),
      `db, ${ENTRY}`,
    ],
    [
      'writeHead in place of setHeader',
      ({ res }) => res.setHeader('server-timing', 'old').writeHead(200, { 'server-timing': 'new' }).end(),
      `new, ${ENTRY}`,
    ],
    [
      'write without writeHead',
      ({ res }) => res.setHeader('server-timing', 'db').write('x') && res.end(),
      `db, ${ENTRY}`,
    ],
    [
      'flushHeaders',
      ({ res }) => {
        res.setHeader('server-timing', 'db').flushHeaders();
        res.end();
      },
      `db, ${ENTRY}`,
    ],
  ];
  it.each(KEPT)("keeps the application's own entries: %s", async (_, answer, expected) => {
    const values = await timing((exchange) => {
      call();
      answer(exchange);
      return undefined;
    });
    expect(values).toEqual([expected]);
  });

  it('keeps the other headers, the reason, and objects that the application gave', async () => {
    const given = Object.freeze({ 'X-A': '1', 'Server-Timing': 'db' });
    const list = Object.freeze(['X-A', '1']);
    let turn = 0;
    const { port } = await host.start(fakeColoring(), {
      handle: ({ res }) => {
        call();
        res.writeHead(201, 'Made', turn++ === 0 ? given : [...list]).end();
        return undefined;
      },
    });
    for (const own of ['db, ', '']) {
      const answer = await get(port, [RED]);
      expect(answer.status).toBe(201);
      expect(headerValues(answer, 'x-a')).toEqual(['1']);
      expect(headerValues(answer, 'server-timing')).toEqual([`${own}${ENTRY}`]);
    }
    expect(given).toEqual({ 'X-A': '1', 'Server-Timing': 'db' });
  });

  it('writing headers twice fails as it would without', async () => {
    let code: unknown;
    await timing(({ res }) => {
      call();
      res.writeHead(200);
      try {
        res.writeHead(200);
      } catch (error) {
        code = (error as NodeJS.ErrnoException).code;
      }
      res.end();
      return undefined;
    });
    expect(code).toBe('ERR_HTTP_HEADERS_SENT');
  });
});

describe.each(HOSTS.filter(({ name }) => name !== 'node:http'))(
  'a ColorwayError that escapes: $name',
  (host) => {
    it('is answered with its status, and reaches the error path with its code', async () => {
      const errors: unknown[] = [];
      const coloring = fakeColoring();
      const { port } = await host.start(coloring, {
        handle: () => {
          throw new ColorwayError('COLORWAY_MEMBER_DOWN', 'Environment "x" contains "stock".');
        },
        onError: (error) => errors.push(error),
      });
      const answer = await get(port, [RED]);
      expect(answer.status).toBe(503);
      expect(errors.map((error) => isColorwayError(error) && error.code)).toEqual(['COLORWAY_MEMBER_DOWN']);
      if (host.name === 'fastify') expect(JSON.parse(answer.body).code).toBe('COLORWAY_MEMBER_DOWN');
      expect(coloring.inFlight.count).toBe(0);
    });
  },
);
