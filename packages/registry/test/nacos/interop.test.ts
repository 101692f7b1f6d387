import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { until } from '../support/wait.js';
import { instance, nacosOn, newNamespace, openApi, watchInstances } from './support.js';

const LONG_LEASE_MS = 60_000;

jest.setTimeout(60_000);

describeWithServers(['nacos'], 'Nacos and clients in other languages', (servers) => {
  test('what another client registers is seen, with its color, and goes when it is the last', async () => {
    const { url } = servers.nacos;
    const namespace = newNamespace();
    const told = watchInstances(nacosOn({ url, namespace }).instances);
    const common = { namespaceId: namespace, serviceName: 'stock', ip: '10.0.0.9', port: '8080' };
    const metadata = JSON.stringify({ COLORING_ENV: 'feat-cart', secure: 'true' });
    await openApi(url, 'POST', 'instance', { ...common, weight: '2.5', metadata });
    const id = 'nacos/DEFAULT_GROUP/stock/10.0.0.9#8080#DEFAULT';
    await until('it is seen', () => told.byId.has(id));
    expect(told.byId.get(id)).toEqual({
      id,
      service: 'stock',
      host: '10.0.0.9',
      port: 8080,
      secure: true,
      weight: 2.5,
      metadata: { COLORING_ENV: 'feat-cart', secure: 'true' },
      startedAt: 0,
    });
    await openApi(url, 'DELETE', 'instance', common);
    await until('the last one is gone', () => told.byId.size === 0);
  });

  test('one that is switched off, or has no weight, is not told of', async () => {
    const { url } = servers.nacos;
    const namespace = newNamespace();
    const told = watchInstances(nacosOn({ url, namespace }).instances);
    const fields = { namespaceId: namespace, serviceName: 'stock', ip: '10.0.0.9', port: '8080' };
    await openApi(url, 'POST', 'instance', fields);
    await until('it is seen', () => told.byId.size === 1);
    await openApi(url, 'PUT', 'instance', { ...fields, enabled: 'false' });
    await until('it is off', () => told.byId.size === 0);
    await openApi(url, 'PUT', 'instance', { ...fields, enabled: 'true' });
    await until('it is on', () => told.byId.size === 1);
    await openApi(url, 'PUT', 'instance', { ...fields, weight: '0' });
    await until('it gets nothing', () => told.byId.size === 0);
  });

  test('what is registered here is an ephemeral instance like any other, in its group and cluster', async () => {
    const { url } = servers.nacos;
    const namespace = newNamespace();
    const directory = nacosOn({ url, namespace, group: 'shop', cluster: 'east' });
    const metadata = { COLORING_ENV: 'feat-cart', zone: 'a' };
    await directory.instances.register(
      instance('order-1', { secure: true, weight: 2, metadata }),
      LONG_LEASE_MS,
    );
    const list = { namespaceId: namespace, serviceName: 'order', groupName: 'shop' };
    const { hosts } = JSON.parse(await openApi(url, 'GET', 'instance/list', list));
    expect(hosts).toHaveLength(1);
    expect(hosts[0]).toMatchObject({
      ip: '10.0.0.7',
      port: 3001,
      weight: 2,
      healthy: true,
      ephemeral: true,
      clusterName: 'east',
      metadata: { COLORING_ENV: 'feat-cart', zone: 'a', secure: 'true' },
    });
    const inGroup = watchInstances(nacosOn({ url, namespace, group: 'shop' }).instances);
    const elsewhere = watchInstances(nacosOn({ url, namespace }).instances);
    await until('both told', () => inGroup.hasSnapshot && elsewhere.hasSnapshot);
    expect(inGroup.byId.get('order-1')).toEqual(instance('order-1', { secure: true, weight: 2, metadata }));
    expect(elsewhere.byId.size).toBe(0);
  });

  test('a new process on the address of an old one is what it says, and not what the old one said', async () => {
    const { url } = servers.nacos;
    const namespace = newNamespace();
    const told = watchInstances(nacosOn({ url, namespace }).instances);
    const old = nacosOn({ url, namespace });
    await old.instances.register(instance('old', { metadata: { COLORING_ENV: 'feat-a' } }), LONG_LEASE_MS);
    await until('the old one', () => told.byId.has('old'));
    await old.close();
    await nacosOn({ url, namespace }).instances.register(
      instance('new', { metadata: { COLORING_ENV: 'feat-b' }, startedAt: 2 }),
      LONG_LEASE_MS,
    );
    await until('the new one alone', () => told.byId.has('new') && told.byId.size === 1);
    expect(told.byId.get('new')?.metadata).toEqual({ COLORING_ENV: 'feat-b' });
  });

  test('of two that register one id the later one counts, and when it goes the other', async () => {
    const { url } = servers.nacos;
    const namespace = newNamespace();
    const [one, two] = [nacosOn({ url, namespace }), nacosOn({ url, namespace })];
    const told = watchInstances(nacosOn({ url, namespace }).instances);
    await one.instances.register(instance('a', { port: 3001, startedAt: 1 }), LONG_LEASE_MS);
    await two.instances.register(instance('a', { port: 3002, startedAt: 2 }), LONG_LEASE_MS);
    await until('the later', () => told.byId.get('a')?.port === 3002);
    await one.instances.renew('a');
    await two.instances.deregister('a');
    await until('the other', () => told.byId.get('a')?.port === 3001);
  });

  test('more services than fit on a page', async () => {
    const { url } = servers.nacos;
    const namespace = newNamespace();
    const directory = nacosOn({ url, namespace, timeoutMs: 20_000 });
    const services = Array.from({ length: 620 }, (_, index) => `service-${index}`);
    await Promise.all(
      services.map((service) => directory.instances.register(instance(service, { service }), LONG_LEASE_MS)),
    );
    const told = watchInstances(nacosOn({ url, namespace }).instances);
    await until('all', () => told.byId.size === services.length, 30_000);
  });
});
