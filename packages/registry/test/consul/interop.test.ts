import { channel } from 'node:diagnostics_channel';
import { consulDirectory } from '@colorway/registry/consul';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp } from '../support/clean-up.js';
import { record, ToldInstances } from '../support/told-instances.js';
import { pause, until } from '../support/wait.js';
import { clearConsul, consulCall } from './consul-http.js';

jest.setTimeout(60_000);

/* What other languages' clients do, in raw calls of the API. */
describeWithServers(
  ['consul'],
  'Consul: services of others',
  (servers) => {
    beforeEach(() => cleanUp(() => clearConsul(servers.consul.url)));

    function open(more: object = {}) {
      const directory = consulDirectory({ url: servers.consul.url, waitMs: 1_000, ...more });
      cleanUp(() => directory.close());
      return directory;
    }

    const register = (json: object) =>
      consulCall(servers.consul.url, 'agent/service/register', { method: 'PUT', json });

    /** As Spring Cloud Consul registers. */
    const javaService = {
      ID: 'stock-8080',
      Name: 'stock',
      Address: '10.0.0.9',
      Port: 8080,
      Tags: ['zone=b'],
      Meta: { COLORING_ENV: 'feat-cart', secure: 'true' },
      Weights: { Passing: 3, Warning: 1 },
      Check: { TTL: '60s', Status: 'passing' },
    };

    it('are seen with their color, while they are healthy', async () => {
      const told = await ToldInstances.of(open().instances);
      await register(javaService);
      await until('stock', () => told.byId.size === 1);
      const [stock] = told.byId.values();
      expect(stock).toEqual({
        id: expect.stringMatching(/\/stock-8080$/),
        service: 'stock',
        host: '10.0.0.9',
        port: 8080,
        secure: true,
        weight: 3,
        metadata: { COLORING_ENV: 'feat-cart', secure: 'true', zone: 'b' },
        startedAt: 0,
      });
      const check = `agent/check/fail/service:stock-8080`;
      await consulCall(servers.consul.url, check, { method: 'PUT' });
      await until('the sick one gone', () => told.byId.size === 0);
      await consulCall(servers.consul.url, check.replace('fail', 'pass'), { method: 'PUT' });
      await until('the healed one', () => told.byId.size === 1);
      await consulCall(servers.consul.url, check.replace('fail', 'warn'), { method: 'PUT' });
      await until('less weight with a warning', () => [...told.byId.values()][0]?.weight === undefined);
      await consulCall(servers.consul.url, 'agent/service/deregister/stock-8080', { method: 'PUT' });
      await until('none', () => told.byId.size === 0);
    });

    it('are seen without a check, and when nothing but their meta changes', async () => {
      const told = await ToldInstances.of(open().instances);
      const { Check: _none, ...unchecked } = javaService;
      await register(unchecked);
      await until('stock', () => told.byId.size === 1);
      for (const color of ['feat-a', 'feat-b']) {
        await register({ ...unchecked, Meta: { COLORING_ENV: color } });
        await until(color, () => [...told.byId.values()][0]?.metadata.COLORING_ENV === color);
      }
      await register({ ...javaService, Meta: { COLORING_ENV: 'feat-c' } });
      await until('feat-c', () => [...told.byId.values()][0]?.metadata.COLORING_ENV === 'feat-c');
      await register({ ...javaService, Meta: { COLORING_ENV: 'feat-d' } });
      await until('feat-d', () => [...told.byId.values()][0]?.metadata.COLORING_ENV === 'feat-d');
    });

    it('are left out where they cannot be called, and harm nobody where they are strange', async () => {
      const told = await ToldInstances.of(open().instances);
      await register({
        ID: 'proxy',
        Name: 'proxy',
        Kind: 'connect-proxy',
        Port: 1,
        Proxy: { DestinationServiceName: 'stock' },
      });
      await register({ ID: 'no-port', Name: 'no-port' });
      await register({
        ...javaService,
        ID: 'odd',
        Meta: { 'colorway-started-at': '5', 'colorway-more-0': '!!' },
      });
      await register(javaService);
      await until('two', () => told.byId.size === 2);
      expect([...told.byId.values()].map(({ service }) => service)).toEqual(['stock', 'stock']);
    });

    it('cost a watch of both halves at most 0.2 requests a second at rest, however many there are', async () => {
      const { url } = servers.consul;
      const ids = Array.from({ length: 50 }, (_, index) => `s${index}`);
      for (const id of ids) await register({ ...javaService, ID: id, Name: `service-${id}` });
      const directory = open({ waitMs: undefined });
      const told = await ToldInstances.of(directory.instances);
      const watch = directory.state.watch('', { next: () => {}, current: () => {}, error: () => {} });
      cleanUp(() => watch.close());
      await until('all', () => told.byId.size === ids.length);
      await pause(2_000);
      const sent: string[] = [];
      const note = (message: unknown) => {
        const { origin, path } = (message as { request: { origin: string; path: string } }).request;
        if (origin === url) sent.push(path);
      };
      const requests = channel('undici:request:create');
      requests.subscribe(note);
      cleanUp(() => requests.unsubscribe(note));
      await pause(20_000);
      expect(sent.length).toBeLessThanOrEqual(4);
    });

    it('see ours as a healthy service with its color, until it is gone', async () => {
      const { instances } = open({ tags: ['colorway', 'v2'] });
      await instances.register(
        record('order-1', { weight: 2, metadata: { COLORING_ENV: 'feat-cart', zone: 'a' } }),
        60_000,
      );
      const healthy = async () =>
        JSON.parse(await consulCall(servers.consul.url, 'health/service/order?passing'));
      await until('order', async () => (await healthy()).length === 1);
      const [{ Service, Checks }] = await healthy();
      expect(Service).toMatchObject({
        ID: 'order-1',
        Service: 'order',
        Address: '10.0.0.7',
        Port: 3001,
        Tags: ['colorway', 'v2'],
        Meta: { COLORING_ENV: 'feat-cart', zone: 'a' },
        Weights: { Passing: 2, Warning: 1 },
      });
      expect(Checks).toContainEqual(expect.objectContaining({ CheckID: 'service:order-1', Type: 'ttl' }));
      await instances.deregister('order-1');
      await until('none', async () => (await healthy()).length === 0);
    });

    it('read and write our keys as they are', async () => {
      const { state } = open();
      await state.create('env/feat-cart', '{"owner":"ann"}');
      const raw = await consulCall(servers.consul.url, 'kv/colorway/env/feat-cart?raw');
      expect(raw).toBe('{"owner":"ann"}');
      const seen: string[] = [];
      const observer = {
        next: (change: object) => seen.push(JSON.stringify(change)),
        current: () => {},
        error: () => {},
      };
      const watch = state.watch('a/../', observer); // a prefix that no URL of Consul's can hold
      cleanUp(() => watch.close());
      await state.create('a/../b', 'strange');
      await until('the strange key', () => seen.some((change) => change.includes('strange')));
      expect(seen.join()).not.toContain('feat-cart');
    });
  },
  { own: true },
);
