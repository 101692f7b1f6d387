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
