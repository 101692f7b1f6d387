import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import { activeColor, withColor } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { callerOf, type ServiceAuthOptions, serviceAuth } from '@colorway/http/auth';
import { expressColoring } from '@colorway/http/express';
import { metrics } from '@opentelemetry/api';
import express5 from 'express';
import { parseInput, parseSignature, signatureBase } from '../../src/auth/signature.js';
import { countingMeterProvider } from '../server/counting-meter-provider.js';
import { type FakeColoringOptions, fakeColoring } from '../server/fake-coloring.js';
import { HOSTS, type Host, stopHosts } from '../server/hosts.js';
import { CLIENTS } from '../support/clients.js';
import { FakeColoring } from '../support/fake-coloring.js';
import { recordOf } from '../support/fleet.js';
import { auth, SECRET, send, signed } from './signed-request.js';

setupContext();

const OTHER = 'another secret of thirty-two bytes, too';

const counted = countingMeterProvider();
beforeAll(() => {
  metrics.setGlobalMeterProvider(counted);
});
beforeEach(() => counted.reset());
afterAll(() => metrics.disable());
afterEach(async () => {
  jest.restoreAllMocks();
  await stopHosts();
});

/** A server that asks for signatures, and tells who has called. */
async function start(
  host: Host,
  options: Parameters<Host['start']>[2],
  instance: FakeColoringOptions = {},
): Promise<number> {
  const handle = ({ req }: { req: http.IncomingMessage }) => ({
    caller: callerOf(req) ?? null,
    color: activeColor() ?? null,
  });
  return (await host.start(fakeColoring({ service: 'stock', ...instance }), { handle }, options)).port;
}

describe.each(HOSTS.map((host) => [host.name, host] as const))('on %s', (_name, host) => {
  it.each(CLIENTS.map((client) => [client.name, client] as const))(
    'knows who calls by %s, with a query and a body, colored and not',
    async (_client, client) => {
      const base = await start(host, { auth: auth() }, { service: 'stock' });
      const colored = await start(host, { auth: auth() }, { service: 'stock', color: 'c' });
      const coloring = new FakeColoring({ service: 'order', color: 'mine' });
      coloring.put(recordOf('one', 'stock', base), recordOf('two', 'stock', colored, 'c'));
      const call = client.make(coloring, { auth: auth() });
      const caller = { service: 'order', color: 'mine', keyId: 'default' };
      try {
        for (const color of ['c', undefined]) {
          const answer = await withColor(color, () => call('http://stock/items/7?a=b%20c&a=d'));
          expect(JSON.parse(answer.body)).toMatchObject({ caller });
          const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
          const posted = await withColor(color, () => call('http://stock/items', post));
          expect(JSON.parse(posted.body)).toMatchObject({ caller });
        }
        const forged = { 'colorway-caller': '"admin"', signature: 'colorway=:AAAA:', 'signature-input': 'x' };
        const replaced = await call('http://stock/', { headers: forged });
        expect(JSON.parse(replaced.body)).toMatchObject({ caller });
      } finally {
        await coloring.close();
      }
    },
  );

  it('lets the policy of the edge ask who calls', async () => {
    const accept = (request: object) => callerOf(request)?.service === 'order';
    const port = await start(host, { auth: auth({ secret: SECRET, required: false }), accept });
    const known = await send(port, '/', signed(auth(), { 'x-infr-flowtype': 'CE_c' }, '/'));
    const unknown = await send(port, '/', { host: 'stock', 'x-infr-flowtype': 'CE_c' });
    expect([known.told.color, unknown.told.color]).toEqual(['c', null]);
  });

  it('refuses who does not sign, with a typed error', async () => {
    const port = await start(host, { auth: auth() });
    const { status, told } = await send(port, '/items/7', { host: 'stock', 'colorway-caller': '"order"' });
    expect(status).toBe(401);
    expect(told.caller).toBeUndefined();
  });
});

describe('a request', () => {
  const [express] = HOSTS as [Host];
  const node = HOSTS.find(({ name }) => name === 'node:http') as Host;

  it('is taken as it was signed', async () => {
    const port = await start(express, { auth: auth() });
    const { status, told } = await send(port, '/items/7?size=2', signed());
    expect([status, told.caller]).toEqual([200, { service: 'order', color: 'c', keyId: 'default' }]);
  });

  const flow = { 'x-infr-flowtype': 'CE_c' };
  const input = (headers: Record<string, string>) => String(headers['signature-input']);
  it.each<[string, () => Promise<http.OutgoingHttpHeaders> | http.OutgoingHttpHeaders, string?, string?]>([
    ['with another path', () => signed(), '/items/8?size=2'],
    ['with another query', () => signed(), '/items/7?size=3'],
    ['with another method', () => signed(), '/items/7?size=2', 'DELETE'],
    ['to another service', () => ({ ...signed(), host: 'price' })],
    ['by another caller', () => ({ ...signed(), 'colorway-caller': '"admin"' })],
    ['with another color', () => ({ ...signed(auth(), flow), 'x-infr-flowtype': 'CE_d' })],
    ['with a color put in', () => ({ ...signed(), ...flow })],
    ['without its color', () => ({ ...signed(auth(), flow), 'x-infr-flowtype': undefined as never })],
    ['with another secret', () => signed(auth({ secret: OTHER }))],
    ['with a key that nobody knows', () => signed(auth({ secrets: { next: SECRET } }))],
    [
      'with a time put in',
      () => ({
        ...signed(),
        'signature-input': input(signed()).replace(
          /created=\d+/,
          `created=${Math.floor(Date.now() / 1_000) + 5}`,
        ),
      }),
    ],
    [
      'with a component left out',
      () => ({ ...signed(), 'signature-input': input(signed()).replace('"@path" ', '') }),
    ],
    [
      'with no components',
      () => ({ ...signed(), 'signature-input': input(signed()).replace(/\(.*\)/, '()') }),
    ],
    ['with an empty signature', () => ({ ...signed(), signature: 'colorway=::' })],
    ['with a short signature', () => ({ ...signed(), signature: 'colorway=:AAAA:' })],
    [
      'with another algorithm',
      () => ({ ...signed(), 'signature-input': input(signed()).replace('hmac-sha256', 'ed25519') }),
    ],
    ['with garbage', () => ({ ...signed(), 'signature-input': `colorway=(${'"@path" '.repeat(500)}` })],
  ])('%s is refused', async (_what, headers, path = '/items/7?size=2', method = 'GET') => {
    const port = await start(node, { auth: auth() });
    const given = Object.entries(await headers()).filter(([, value]) => value !== undefined);
    const { status, told } = await send(port, path, Object.fromEntries(given), method);
    expect([status, told.code]).toEqual([401, 'COLORWAY_UNAUTHENTICATED']);
  });

  it.each([
    ['too old', -32_000, 401],
    ['from the future', 31_500, 401],
    ['a little old', -25_000, 200],
    ['of a clock a little ahead', 25_000, 200],
  ])('%s: %d ms, %d', async (_what, shiftMs, expected) => {
    const port = await start(node, { auth: auth() });
    const now = Date.now();
    jest.spyOn(Date, 'now').mockReturnValue(now + shiftMs);
    const headers = signed();
    jest.spyOn(Date, 'now').mockReturnValue(now);
    expect((await send(port, '/items/7?size=2', headers)).status).toBe(expected);
  });

  it('is taken by any key of a rotation, and signed by the first', async () => {
    const port = await start(node, { auth: auth({ secrets: { new: OTHER, old: SECRET } }) });
    const old = await send(port, '/', signed(auth({ secrets: { old: SECRET } }), {}, '/'));
    const next = await send(port, '/', signed(auth({ secrets: { new: OTHER, old: SECRET } }), {}, '/'));
    expect([old.told.caller, next.told.caller]).toMatchObject([{ keyId: 'old' }, { keyId: 'new' }]);
  });

  it('is served without a caller where no signature is required, and a bad one names nobody', async () => {
    const port = await start(node, { auth: auth({ secret: SECRET, required: false }) });
    const unsigned = await send(port, '/', { host: 'stock' });
    expect([unsigned.status, unsigned.told.caller]).toEqual([200, null]);
    const forged = await send(port, '/', signed(auth({ secret: OTHER }), {}, '/'));
    expect(forged.told.caller).toBeNull();
    const failed = (reason: string, action: string) =>
      counted.of('coloring.auth.failed', { 'coloring.reason': reason, 'coloring.action': action });
    expect([failed('missing', 'ignore'), failed('signature', 'ignore')]).toEqual([0, 1]);
    const strict = await start(node, { auth: auth() });
    await send(strict, '/', { host: 'stock' });
    expect(failed('missing', 'refuse')).toBe(1);
  });

  it('is asked for its signature where the rule that decides throws, and the rule sees the whole path', async () => {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const required = (): boolean => {
      throw new Error('a rule that is wrong');
    };
    for (const host of HOSTS) {
      const port = await start(host, { auth: auth({ secret: SECRET, required }) });
      expect((await send(port, '/', { host: 'stock' })).status).toBe(401);
      expect((await send(port, '/', signed(auth(), {}, '/'))).status).toBe(200);
    }
    expect(warn.mock.calls.map(([message]) => String(message)).join()).toContain('a rule that is wrong');
    const seen: unknown[] = [];
    const byPath = (request: { url?: string | undefined; headers: object }) => {
      seen.push([request.url, request.headers]);
      return request.url !== '/api/health';
    };
    const app = express5();
    app.use('/api', expressColoring(fakeColoring(), { auth: auth({ secret: SECRET, required: byPath }) }));
    app.get('/api/health', (_incoming, response) => void response.json({}));
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    expect((await send(port, '/api/health', {})).status).toBe(200);
    expect((await send(port, '/api/items', {})).status).toBe(401);
    expect(seen).toEqual([
      ['/api/health', expect.objectContaining({ connection: expect.anything() })],
      ['/api/items', expect.objectContaining({ connection: expect.anything() })],
    ]);
    server.close();
  });

  it.each<[string, Record<string, string>, FakeColoringOptions, ServiceAuthOptions, number]>([
    ['without whom it wants, by its host', {}, { service: 'stock' }, {}, 200],
    ['as a service that is spelled otherwise', {}, { service: 'Stock' }, {}, 200],
    ['at another service', {}, { service: 'price' }, {}, 401],
    ['at one that lists the host', {}, { service: 'price' }, { authorities: ['shop.example', 'STOCK'] }, 200],
    ['with whom it wants', { 'x-colorway-wanted': 'stock/' }, { service: 'stock' }, {}, 200],
    ['with whom it wants, elsewhere', { 'x-colorway-wanted': 'stock/' }, { service: 'price' }, {}, 421],
    ['with whom it wants, by another host', { 'x-colorway-wanted': 'price/' }, { service: 'price' }, {}, 200],
  ])('made for stock counts there alone: %s', async (_what, headers, instance, options, status) => {
    const port = await start(node, { auth: auth({ secret: SECRET, ...options }) }, instance);
    expect((await send(port, '/', signed(auth(), headers, '/'))).status).toBe(status);
  });

  it('made for stock does not become one without a receiver', async () => {
    const port = await start(node, { auth: auth() }, { service: 'price' });
    const headers = signed(auth(), { 'x-colorway-wanted': 'stock/' }, '/');
    const { 'x-colorway-wanted': _, ...without } = headers;
    expect((await send(port, '/', without)).status).toBe(401);
    expect((await send(port, '/', { ...headers, 'x-colorway-wanted': 'price/' })).status).toBe(401);
    expect((await send(port, '/', { ...headers, host: 'price' })).status).toBe(421);
  });

  it.each([
    ['over', -1, 'time'],
    ['open', 60, undefined],
  ])('that says when it expires is taken until then: %s', (_what, seconds, reason) => {
    const created = Math.floor(Date.now() / 1_000);
    const covered = ['@method', '@authority', '@path', '@query', 'colorway-caller'];
    const text = `(${covered.map((name) => `"${name}"`).join(' ')});created=${created};expires=${created + seconds};keyid="default"`;
    const headers: Record<string, string> = { host: 'stock', 'colorway-caller': '"order"' };
    const message = {
      method: 'GET',
      authority: 'stock',
      target: '/',
      header: (name: string) => headers[name],
    };
    const signature = createHmac('sha256', SECRET).update(String(signatureBase(message, covered, text)));
    Object.assign(headers, {
      'signature-input': `colorway=${text}`,
      signature: `colorway=:${signature.digest('base64')}:`,
    });
    const verification = auth().verify({ method: 'GET', url: '/', headers }, []);
    expect(verification).toMatchObject(reason ? { kind: 'refused', reason } : { kind: 'verified' });
  });

  it('that says two hosts is refused, whichever was signed', () => {
    const headers = signed(auth(), {}, '/');
    const request = (more: object) => ({ method: 'GET', url: '/', headers: { ...headers, ...more } });
    const kind = (more: object) => auth().verify(request(more), []).kind;
    expect(kind({ ':authority': 'stock' })).toBe('verified');
    expect(kind({ ':authority': 'STOCK' })).toBe('verified');
    expect(kind({ ':authority': 'stock', host: 'price' })).toBe('refused');
    expect(kind({ ':authority': 'price', host: 'stock' })).toBe('refused');
  });

  it('counts once where both sides say so', async () => {
    const counting = auth({ secret: SECRET, replay: true });
    const port = await start(node, { auth: counting });
    const headers = signed(counting, {}, '/');
    const statuses = [];
    for (let time = 0; time < 3; time++) statuses.push((await send(port, '/', headers)).status);
    statuses.push((await send(port, '/', signed(counting, {}, '/'))).status);
    statuses.push((await send(port, '/', signed(auth(), {}, '/'))).status);
    expect(statuses).toEqual([200, 401, 401, 200, 401]);
  });

  it('may be let through by path', async () => {
    const required = (request: { url?: string | undefined }) => request.url !== '/ready';
    const port = await start(node, { auth: auth({ secret: SECRET, required }) });
    expect((await send(port, '/ready', {})).status).toBe(200);
    expect((await send(port, '/', {})).status).toBe(401);
  });

  it('is asked for its signature by a second middleware too, whatever the first let in', async () => {
    const { nodeColoring } = await import('@colorway/http/node');
    const coloring = fakeColoring({ service: 'stock' });
    const inner = nodeColoring(coloring, (_request, response) => response.end('{}'), { auth: auth() });
    const server = http.createServer(nodeColoring(coloring, (request, response) => inner(request, response)));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    try {
      expect((await send(port, '/', { host: 'stock', ...flow })).status).toBe(401);
      expect((await send(port, '/', signed(auth(), flow, '/'))).status).toBe(200);
    } finally {
      server.close();
    }
  });
});

describe('the signature', () => {
  it('is that of RFC 9421, B.2.5', () => {
    const secret = 'uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==';
    const text = '("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret"';
    const input = parseInput(`other=("x");a=1, colorway=${text}`);
    expect(input).toEqual({
      components: ['date', '@authority', 'content-type'],
      created: 1_618_884_473,
      keyId: 'test-shared-secret',
      expires: undefined,
      nonce: undefined,
      text,
    });
    const headers: Record<string, string> = {
      date: 'Tue, 20 Apr 2021 02:07:55 GMT',
      'content-type': 'application/json',
    };
    const base = signatureBase(
      {
        method: 'POST',
        authority: 'example.com',
        target: '/foo?param=Value',
        header: (name) => headers[name],
      },
      input?.components ?? [],
      text,
    );
    const expected = parseSignature('colorway=:pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=:');
    expect(createHmac('sha256', Buffer.from(secret, 'base64')).update(String(base)).digest()).toEqual(
      expected,
    );
  });

  it('is made with the key that was meant, whatever ids are called', () => {
    const keyOf = (options: ServiceAuthOptions) =>
      /keyid="([^"]*)"/.exec(String(signed(auth(options))['signature-input']))?.[1];
    expect(
      keyOf({
        secrets: [
          ['2026', OTHER],
          ['2025', SECRET],
        ],
      }),
    ).toBe('2026');
    expect(keyOf({ secrets: { 2026: OTHER, 2025: SECRET }, signWith: '2026' })).toBe('2026');
    expect(keyOf({ secrets: { 2026: OTHER } })).toBe('2026');
    expect(keyOf({ secrets: { new: OTHER, old: SECRET } })).toBe('new');
    expect(keyOf({ secrets: { k2026: OTHER, k2025: SECRET } })).toBe('k2026');
  });

  it.each<[string, ServiceAuthOptions]>([
    ['ids that JavaScript sorts, and no word of which signs', { secrets: { next: OTHER, 2025: SECRET } }],
    [
      'an id twice',
      {
        secrets: [
          ['a', OTHER],
          ['a', SECRET],
        ],
      },
    ],
    ['a key that is not there', { secrets: { a: SECRET }, signWith: 'b' }],
    ['hosts that are none', { secret: SECRET, authorities: [''] }],
    ['a store that is none', { secret: SECRET, replay: {} as never }],
    ['no word of what follows', { secret: SECRET, whenReplayUnknown: 'ignore' as never }],
    ['no secret', {}],
    ['both', { secret: SECRET, secrets: { a: SECRET } }],
    ['none of several', { secrets: {} }],
    ['a short secret', { secret: 'short' }],
    ['an id that no header takes', { secrets: { 'a"b': SECRET } }],
    ['no time for clocks', { secret: SECRET, clockSkewMs: 0 }],
    ['required of another type', { secret: SECRET, required: 'yes' as unknown as boolean }],
  ])('is not made with %s', (_what, options) => {
    expect(() => serviceAuth(options)).toThrow(expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION' }));
    expect(() => serviceAuth(options)).not.toThrow(
      expect.objectContaining({ message: expect.stringContaining('short"') }),
    );
  });
});
