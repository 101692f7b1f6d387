import type { IncomingMessage } from 'node:http';
import { activeColor, withColor } from '@colorway/core';
import { setupContext } from '@colorway/core/setup';
import { callerOf, serviceAuth } from '@colorway/http/auth';
import { fakeColoring } from '../../packages/http/test/server/fake-coloring.js';
import { HOSTS, stopHosts } from '../../packages/http/test/server/hosts.js';
import { CLIENTS } from '../../packages/http/test/support/clients.js';
import { FakeColoring } from '../../packages/http/test/support/fake-coloring.js';
import { recordOf } from '../../packages/http/test/support/fleet.js';
import { describeWithPython } from './describe-with-python.mjs';
import { type Asked, PythonPeer } from './python-peer.js';

setupContext();
/* A busy machine takes its time. */
jest.setTimeout(120_000);

const SECRET = 'a secret of at least thirty-two bytes, ü';
const OTHER = 'another secret of thirty-two bytes, too';
const auth = (more: object = {}) => serviceAuth({ secret: SECRET, ...more });
const COVERED = ['@method', '@authority', '@path', '@query', 'colorway-caller'];
const TARGETS = [
  '/',
  '/items/7',
  '/items/7?',
  '/items/7?size=2&size=3&empty=&flag',
  '/items/a%20b%2Fc;v=1?q=a%20b+c&u=%C3%BC&s=x/y?z',
  '//double//slash/./..;/?a=//b',
  "/sub!$&'()*+,;=:@~?sub!$&'()*+,;=:@~",
];

let python: PythonPeer;
afterEach(stopHosts);
afterAll(() => python?.stop());

async function startPython(): Promise<void> {
  python ??= await PythonPeer.start({ default: SECRET, other: OTHER });
}

describeWithPython('a library of RFC 9421 in Python verifies what our clients sign', () => {
  beforeAll(startPython);

  it.each(CLIENTS.map((client) => [client.name, client] as const))('%s', async (_name, client) => {
    for (const own of [undefined, 'mine']) {
      const coloring = new FakeColoring({ service: 'order', ...(own === undefined ? {} : { color: own }) });
      coloring.put(recordOf('one', 'stock', python.port));
      const call = client.make(coloring, { auth: auth({ replay: true }) });
      for (const target of TARGETS.slice(0, 5)) {
        for (const method of ['GET', 'POST', 'DELETE']) {
          const more = method === 'POST' ? { headers: { 'content-type': 'text/plain' }, body: 'sent' } : {};
          for (const color of [undefined, 'c']) {
            const answer = await withColor(color, () => call(`http://stock${target}`, { method, ...more }));
            const { covered, parameters, label, error } = JSON.parse(answer.body);
            expect(error).toBeUndefined();
            expect(label).toBe('colorway');
            expect(covered).toMatchObject({
              '@method': method,
              '@authority': 'stock',
              'colorway-caller': own === undefined ? '"order"' : '"order";color="mine"',
              'x-colorway-wanted': expect.stringMatching(/^stock\//),
            });
            const flow = color ?? own;
            expect(covered['x-infr-flowtype']).toBe(flow === undefined ? undefined : `CE_${flow}`);
            expect(parameters).toMatchObject({ keyid: 'default', alg: 'hmac-sha256' });
            expect(parameters.nonce).toMatch(/^[\w-]{22}$/);
          }
        }
      }
      await coloring.close();
    }
  });

  it('and nothing that was signed with another secret', async () => {
    const coloring = new FakeColoring({ service: 'order' });
    coloring.put(recordOf('one', 'stock', python.port));
    const [client] = CLIENTS as [(typeof CLIENTS)[number]];
    const call = client.make(coloring, { auth: serviceAuth({ secret: OTHER }) });
    expect(JSON.parse((await call('http://stock/')).body).error).toMatch(/signature/i);
    await coloring.close();
  });
});

describeWithPython('what a library of RFC 9421 in Python signs, our servers verify', () => {
  beforeAll(startPython);
  const handle = ({ req }: { req: IncomingMessage }) => ({
    caller: callerOf(req) ?? null,
    color: activeColor() ?? null,
  });
  const signature = { label: 'colorway', keyId: 'default', covered: COVERED };
  const headers = { host: 'stock', 'colorway-caller': '"legacy-shop"' };

  async function start(more: object = {}, [host] = HOSTS as [(typeof HOSTS)[number]]): Promise<number> {
    return (await host.start(fakeColoring({ service: 'stock' }), { handle }, { auth: auth(more) })).port;
  }

  it.each(HOSTS.map((host) => [host.name, host] as const))(
    'on %s: any target and method, with a color',
    async (_name, host) => {
      const port = await start({}, [host]);
      for (const target of TARGETS)
        for (const method of ['GET', 'DELETE']) {
          const told = await python.send(port, { method, target, headers, signatures: [signature] });
          expect([target, told.status, told.body]).toEqual([target, 200, expect.any(String)]);
          expect(JSON.parse(told.body)).toEqual({
            caller: { service: 'legacy-shop', keyId: 'default' },
            color: null,
          });
        }
      const colored = await python.send(port, {
        target: '/',
        headers: { ...headers, 'x-infr-flowtype': 'CE_c' },
        signatures: [{ ...signature, covered: [...COVERED, 'x-infr-flowtype'] }],
      });
      expect(JSON.parse(colored.body)).toMatchObject({ color: 'c' });
    },
  );

  it.each<[string, Partial<Asked>, object?]>([
    ['with more parameters', { nonce: 'n-1', tag: 'shop', expires: 20 }],
    ['without the algorithm', { includeAlg: false }],
    [
      'beside another signature',
      { signatures: [{ label: 'proxy', keyId: 'other', covered: ['@method'] }, signature] },
    ],
    [
      'in front of another signature',
      { signatures: [signature, { label: 'proxy', keyId: 'other', covered: ['@method', 'host'] }] },
    ],
    [
      'over more headers, in another order',
      {
        headers: { ...headers, 'content-type': 'text/plain;a="b, c"', date: 'Tue, 20 Apr 2021 02:07:55 GMT' },
        signatures: [{ ...signature, covered: ['date', ...COVERED.toReversed(), 'content-type'] }],
      },
    ],
    ['to a host that says its port', { headers: { ...headers, host: 'STOCK:80' } }],
    ['to a port of its own', { headers: { ...headers, host: 'Stock:8080' } }],
    ['once', { nonce: 'n-2' }, { replay: true }],
  ])('%s', async (_what, asked, more = {}) => {
    const told = await python.send(await start(more), {
      target: '/items?a=1',
      headers,
      signatures: [signature],
      ...asked,
    });
    expect([told.status, told.body]).toEqual([200, expect.stringContaining('legacy-shop')]);
  });

  it.each<[string, Partial<Asked>, object?]>([
    ['with another secret', { signatures: [{ ...signature, keyId: 'other' }] }],
    ['under another label alone', { signatures: [{ ...signature, label: 'pyhms' }] }],
    [
      'without what has to be covered',
      { signatures: [{ ...signature, covered: COVERED.filter((name) => name !== '@query') }] },
    ],
    ['that is over', { created: -10, expires: -2 }],
    ['that is too old', { created: -40 }],
    ['of the future', { created: 40 }],
    ['for another service', { headers: { ...headers, host: 'price' } }],
    ['sent to another path', { sentTarget: '/items/8?a=1' }],
    ['sent with another query', { sentTarget: '/items?a=2' }],
    ['by another name', { changed: { 'colorway-caller': '"admin"' } }],
    ['with a color put in', { changed: { 'x-infr-flowtype': 'CE_evil' } }],
    ['without a nonce where it counts once', {}, { replay: true }],
  ])('and not one %s', async (_what, asked, more = {}) => {
    const told = await python.send(await start(more), {
      target: '/items?a=1',
      headers,
      signatures: [signature],
      ...asked,
    });
    expect([told.status, told.body]).toEqual([401, expect.not.stringContaining('legacy-shop')]);
  });
});
