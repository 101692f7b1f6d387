import { etcdDirectory } from '@colorway/registry/etcd';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { HttpGateway } from '../../../../test/support/http-gateway.js';
import { TcpProxy } from '../../../../test/support/tcp-proxy.js';
import { cleanUp } from '../support/clean-up.js';
import { record, ToldInstances } from '../support/told-instances.js';
import { until } from '../support/wait.js';
import { base64, deleteAll, etcdCall } from './etcd-http.js';

jest.setTimeout(120_000);

describeWithServers(
  ['etcd'],
  'etcd: history',
  (servers) => {
    beforeEach(() => cleanUp(() => deleteAll(servers.etcd.url)));

    function open(url: string, more: object = {}) {
      const directory = etcdDirectory({ url, checkMs: 500, graceMs: 1_000, timeoutMs: 1_500, ...more });
      cleanUp(() => directory.close());
      return directory;
    }

    async function proxied() {
      const proxy = await TcpProxy.open(servers.etcd.url);
      cleanUp(() => proxy.close());
      return proxy;
    }

    async function compact(): Promise<void> {
      const { header } = await etcdCall(servers.etcd.url, 'kv/range', { key: base64('x') });
      const { revision } = header as { revision: string };
      await etcdCall(servers.etcd.url, 'kv/compaction', { revision, physical: true });
    }

    it('that was compacted while a watch was cut off is made good for by a new list', async () => {
      const proxy = await proxied();
      const outside = open(servers.etcd.url);
      const inside = open(proxy.url);
      for (const id of ['stays', 'goes']) await outside.instances.register(record(id), 60_000);
      const told = await ToldInstances.of(inside.instances);
      proxy.swallow();
      await outside.instances.deregister('goes');
      await outside.instances.register(record('comes'), 60_000);
      for (let write = 0; write < 50; write++) await outside.state.create(`k${write}`, 'v');
      await compact();
      await until('an error', () => told.errors.length > 0);
      proxy.heal();
      await until('the new one', () => told.byId.has('comes'), 30_000);
      await until('the old one gone', () => !told.byId.has('goes'), 30_000);
      await outside.instances.register(record('later'), 60_000);
      await until('a later one', () => told.byId.has('later'));
      expect(told.lost).toEqual(['goes']);
    });

    /* A stream is opened anew every 20 checks, from where the last one ended. */
    it('that was compacted between two streams is made good for by a new list, without an error', async () => {
      const outside = open(servers.etcd.url);
      const told = await ToldInstances.of(open(servers.etcd.url, { checkMs: 50 }).instances);
      await outside.instances.register(record('a'), 60_000);
      await until('a', () => told.byId.has('a'));
      await etcdCall(servers.etcd.url, 'kv/put', { key: base64('elsewhere'), value: '' });
      await etcdCall(servers.etcd.url, 'kv/put', { key: base64('elsewhere'), value: '' });
      await compact();
      await until('a new list', () => told.snapshots === 2, 30_000);
      await outside.instances.register(record('b'), 60_000);
      await until('b', () => told.byId.has('b'));
      expect(told.lost).toEqual([]);
      expect(told.errors).toEqual([]);
    });

    it('of many changes at once reaches a watch whole', async () => {
      const outside = open(servers.etcd.url, { timeoutMs: 60_000 });
      const told = await ToldInstances.of(open(servers.etcd.url).instances);
      const ids = Array.from({ length: 500 }, (_, index) => `i${index}`);
      await Promise.all(ids.map((id) => outside.instances.register(record(id), 60_000)));
      await until('all', () => told.byId.size === ids.length, 30_000);
      expect(told.snapshots).toBe(1);
    });

    it('is not taken for another one when a change overtakes the answer to a check', async () => {
      const gateway = await HttpGateway.open(servers.etcd.url);
      cleanUp(() => gateway.close());
      gateway.delay('/v3/kv/range', 300);
      const outside = open(servers.etcd.url);
      const told = await ToldInstances.of(open(gateway.url, { checkMs: 50 }).instances);
      const checks = () => gateway.requests.filter((request) => request.endsWith('/v3/kv/range')).length;
      for (let write = 0; checks() < 8; write++) {
        await outside.instances.register(record(`i${write % 10}`), 60_000);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await outside.instances.register(record('last'), 60_000);
      await until('the last one', () => told.byId.has('last'));
      expect(told.errors).toEqual([]);
      expect(told.snapshots).toBe(1);
    });

    it('has room for instances that others write, and for values that are no instance', async () => {
      const { url } = servers.etcd;
      const told = await ToldInstances.of(open(url).instances);
      const put = (key: string, value: string) =>
        etcdCall(url, 'kv/put', { key: base64(`colorway/instances/${key}`), value: base64(value) });
      const { ID: lease } = await etcdCall(url, 'lease/grant', { TTL: '60' });
      const json = {
        service: 'stock',
        host: '10.0.0.9',
        port: 8080,
        metadata: { COLORING_ENV: 'feat-cart' },
      };
      await etcdCall(url, 'kv/put', {
        key: base64('colorway/instances/java-1'),
        value: base64(JSON.stringify(json)),
        lease,
      });
      await until('java-1', () => told.byId.has('java-1'));
      expect(told.byId.get('java-1')).toEqual({ id: 'java-1', ...json, startedAt: 0 });
      for (const value of ['', '{', 'null', '"text"', '[1]']) {
        await put('odd', value);
        await put('marker', JSON.stringify({ ...json, port: 1 + value.length }));
        await until('the marker', () => told.byId.get('marker')?.port === 1 + value.length);
        expect(told.byId.has('odd')).toBe(false);
      }
      await put('java-1', 'broken');
      await until('the broken one gone', () => !told.byId.has('java-1'));
    });

    it('costs at rest at most 0.2 requests a second for both halves', async () => {
      const { instances, state } = open(servers.etcd.url, { checkMs: undefined });
      const fetches: string[] = [];
      const { channel } = await import('node:diagnostics_channel');
      const created = (message: unknown) =>
        fetches.push((message as { request: { path: string } }).request.path);
      const requests = channel('undici:request:create');
      await ToldInstances.of(instances);
      const nobody = { next: () => {}, current: () => {}, error: () => {} };
      const watch = state.watch('', nobody);
      cleanUp(() => watch.close());
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      requests.subscribe(created);
      cleanUp(() => requests.unsubscribe(created));
      await new Promise((resolve) => setTimeout(resolve, 20_000));
      expect(fetches.length).toBeLessThanOrEqual(4);
    });
  },
  { own: true },
);
