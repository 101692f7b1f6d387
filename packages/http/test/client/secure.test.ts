import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { coloredAgent } from '@colorway/http/agent';
import { coloredAxios } from '@colorway/http/axios';
import { coloredFetch } from '@colorway/http/fetch';
import { coloredDispatcher } from '@colorway/http/undici';
import { create } from 'axios';
import { request } from 'undici';
import { CLIENTS } from '../support/clients.js';
import { FakeColoring } from '../support/fake-coloring.js';
import { Fleet } from '../support/fleet.js';
import { TLS } from '../support/tls.js';

/** The instance decides whether it is called with TLS. */
describe('instances that serve TLS', () => {
  const fleet = new Fleet();
  const coloring = new FakeColoring();
  const server = https.createServer(TLS, (incoming, response) => {
    response.end(
      `${(incoming.socket as TLSSocket & { servername?: string }).servername} ${incoming.headers.host}`,
    );
  });

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const instance = { host: '127.0.0.1', port, secure: true, metadata: {}, startedAt: 0 };
    coloring.put({ ...instance, id: 'tls', service: 'stock' });
    await fleet.start(coloring, 'plain', { handler: (_, response) => response.end('plain') });
  });

  afterAll(async () => {
    await coloring.close();
    await fleet.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  const ca = TLS.cert;

  it.each(['http://stock/', 'https://stock/'])(
    'are called with TLS and the name of the service: %s',
    async (url) => {
      const dispatcher = coloredDispatcher(coloring, { pool: { connect: { ca } } });
      expect(await (await request(url, { dispatcher })).body.text()).toBe('stock stock');
      const axios = coloredAxios(coloring, create(), { agentOptions: { ca } });
      expect((await axios.get(url)).data).toBe('stock stock');
      const protocol = new URL(url).protocol as 'http:' | 'https:';
      const agent = coloredAgent(coloring, { agentOptions: { ca }, protocol });
      const got = await new Promise<string>((resolve, reject) => {
        (protocol === 'http:' ? http : https)
          .get(url, { agent }, (response) => resolve(text(response)))
          .on('error', reject);
      });
      expect(got).toBe('stock stock');
    },
  );

  it('are asked for their own name when told so', async () => {
    const dispatcher = coloredDispatcher(coloring, {
      tlsServerName: 'instance',
      pool: { connect: { ca, checkServerIdentity: () => undefined } },
    });
    expect(await (await request('http://stock/', { dispatcher })).body.text()).toBe('false stock');
  });

  it('are refused with a certificate that nobody vouches for', async () => {
    await expect(request('http://stock/', { dispatcher: coloredDispatcher(coloring) })).rejects.toMatchObject(
      { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' },
    );
  });

  it.each(CLIENTS.map((client) => [client.name, client] as const))(
    'and one that does not is called without, but never by https: %s',
    async (_, client) => {
      const call = client.make(coloring);
      expect((await call('http://plain/')).body).toBe('plain');
      await expect(call('https://plain/')).rejects.toMatchObject({ code: 'COLORWAY_INSTANCE_NOT_SECURE' });
    },
  );

  it('are asked for the name of the service, whatever Host header somebody copies', async () => {
    const headers = { host: 'evil.example' };
    const dispatcher = coloredDispatcher(coloring, { pool: { connect: { ca } } });
    for (const url of ['http://stock/', 'https://stock/'])
      expect(await (await request(url, { dispatcher, headers })).body.text()).toBe('stock evil.example');
    const axios = coloredAxios(coloring, create(), { agentOptions: { ca } });
    expect((await axios.get('https://stock/', { headers })).data).toBe('stock evil.example');
    for (const given of [headers, ['host', 'evil.example']]) {
      const agent = coloredAgent(coloring, { agentOptions: { ca }, protocol: 'https:' });
      const got = await new Promise<string>((resolve, reject) => {
        https
          .get('https://stock/', { agent, headers: given as never }, (response) => resolve(text(response)))
          .on('error', reject);
      });
      expect(got).toBe('stock evil.example');
    }
  });
});

/** Somebody who holds the address of an instance, and a certificate for a name of his own, which callers trust. */
describe('an instance with the certificate of another name', () => {
  const coloring = new FakeColoring();
  /** The names that callers have asked for, one for each connection. */
  let asked: string[] = [];
  const SNICallback = (name: string, done: (error: null) => void): void => {
    asked.push(name);
    done(null);
  };
  const server = https.createServer({ ...TLS, SNICallback }, (_, response) => response.end());
  server.on('tlsClientError', () => {});
  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const instance = { host: '127.0.0.1', port, secure: true, metadata: {}, startedAt: 0 };
    coloring.put({ ...instance, id: 'price', service: 'price' });
    coloring.put({ ...instance, id: 'stock', service: 'stock' });
  });
  beforeEach(() => {
    asked = [];
  });
  afterAll(async () => {
    await coloring.close();
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  it.each(['http:', 'https:'] as const)(
    'is not called, also where a request says that name as its Host: %s',
    async (scheme) => {
      const ca = TLS.cert; // for the name `stock`
      const url = `${scheme}//price/`;
      const wrongName = { code: 'ERR_TLS_CERT_ALTNAME_INVALID' };
      const byAgent = (headers: object, more: object = {}) =>
        new Promise((resolve, reject) => {
          const agent = coloredAgent(coloring, { agentOptions: { ca }, protocol: scheme });
          const client = scheme === 'http:' ? http : https;
          client.get(url, { agent, headers: headers as never, ...more }, resolve).on('error', reject);
        });
      const pool = { connect: { ca } };
      for (const headers of [{ host: 'stock' }, { Host: 'stock:443' }, ['Host', 'stock']]) {
        const dispatcher = coloredDispatcher(coloring, { pool });
        await expect(request(url, { dispatcher, headers })).rejects.toMatchObject(wrongName);
        await expect(byAgent(headers)).rejects.toMatchObject(wrongName);
        await expect(byAgent(headers, { setHost: false })).rejects.toMatchObject(wrongName);
      }
      const axios = coloredAxios(coloring, create(), { agentOptions: { ca } });
      await expect(axios.get(url, { headers: { host: 'stock' } })).rejects.toMatchObject(wrongName);
      const fetch = coloredFetch(coloring, { pool });
      await expect(fetch(url, { headers: { host: 'stock' } })).rejects.toMatchObject({ cause: wrongName });
      expect(new Set(asked)).toEqual(new Set(['price']));
    },
  );

  it('opens no connection anew for each Host that somebody sends', async () => {
    const ca = TLS.cert;
    const dispatcher = coloredDispatcher(coloring, { pool: { connect: { ca }, connections: 1 } });
    const agent = coloredAgent(coloring, { agentOptions: { ca, maxSockets: 1 }, protocol: 'https:' });
    for (let index = 0; index < 10; index++) {
      const headers = { host: `host-${index}.example` };
      await (await request('https://stock/', { dispatcher, headers })).body.dump();
      await new Promise((resolve, reject) => {
        https
          .get('https://stock/', { agent, headers }, (response) => response.resume().on('end', resolve))
          .on('error', reject);
      });
    }
    expect(asked).toEqual(['stock', 'stock']);
  });
});

/** Mutual TLS is the user's own: certificates go where the wrapped client takes them. */
describe('instances that ask for a certificate', () => {
  const coloring = new FakeColoring();
  const server = https.createServer(
    { ...TLS, ca: TLS.cert, requestCert: true, rejectUnauthorized: true },
    (incoming, response) => response.end((incoming.socket as TLSSocket).getPeerCertificate().subject.CN),
  );

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const instance = { host: '127.0.0.1', port, secure: true, metadata: {}, startedAt: 0 };
    coloring.put({ ...instance, id: 'mutual', service: 'stock' });
  });

  afterAll(async () => {
    await coloring.close();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  const own = { ca: TLS.cert, cert: TLS.cert, key: TLS.key };

  it('read from it who calls', async () => {
    const dispatcher = coloredDispatcher(coloring, { pool: { connect: own } });
    expect(await (await request('http://stock/', { dispatcher })).body.text()).toBe('stock');
    const fetch = coloredFetch(coloring, { pool: { connect: own } });
    expect(await (await fetch('http://stock/')).text()).toBe('stock');
    const axios = coloredAxios(coloring, create(), { agentOptions: own });
    expect((await axios.get('http://stock/')).data).toBe('stock');
    const agent = coloredAgent(coloring, { agentOptions: own });
    const got = await new Promise<string>((resolve, reject) => {
      http.get('http://stock/', { agent }, (response) => resolve(text(response))).on('error', reject);
    });
    expect(got).toBe('stock');
  });

  it('refuse who has none', async () => {
    const dispatcher = coloredDispatcher(coloring, { pool: { connect: { ca: TLS.cert } } });
    await expect(request('http://stock/', { dispatcher })).rejects.toThrow();
  });
});
