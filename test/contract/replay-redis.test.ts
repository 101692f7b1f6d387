import { randomUUID } from 'node:crypto';
import { type RedisReplayOptions, redisReplayStore } from '@colorway/registry/redis';
import { createClient } from 'redis';
import { cleanUp } from '../../packages/registry/test/support/clean-up.js';
import { describeWithServers } from '../services/jest/describe-with-servers.mjs';
import { TcpProxy } from '../support/tcp-proxy.js';
import { describeReplayStore } from './replay-store-contract.js';
import { until } from './support.js';

/* A server on a busy machine takes its time. */
jest.setTimeout(60_000);

describeWithServers(['redis'], 'redisReplayStore', (servers) => {
  function open(options: RedisReplayOptions) {
    const store = redisReplayStore({ url: servers.redis.url, timeoutMs: 20_000, ...options });
    cleanUp(() => store.close());
    return store;
  }

  async function client() {
    const redis = createClient({ url: servers.redis.url });
    await redis.connect();
    cleanUp(() => redis.destroy());
    return redis;
  }

  const newPrefix = () => `test-${randomUUID()}`;

  describeReplayStore('redisReplayStore', () => {
    const prefix = newPrefix();
    return { connect: () => open({ prefix }) };
  });

  it('keeps a key of one length for as long as the signature counts anywhere, and no longer', async () => {
    const prefix = newPrefix();
    const [store, redis] = [open({ prefix }), await client()];
    await store.isNew('x'.repeat(400), Date.now() + 20_000, 7_000);
    const [key = ''] = await redis.keys(`{${prefix}}:*`);
    expect(key).toMatch(/^\{test-[^}]+\}:replay:[A-Za-z0-9_-]{43}$/);
    const left = await redis.pTTL(key);
    expect(left).toBeGreaterThan(7_000);
    expect(left).toBeLessThanOrEqual(27_000);
    await store.isNew('over', Date.now() - 60_000, 1_000);
    await store.isNew('short', Date.now() + 100, 0);
    await until('only the long one', async () => (await redis.keys(`{${prefix}}:*`)).length === 1);
  });

  it('asks one question for each signature, over one connection', async () => {
    const proxy = await TcpProxy.open(servers.redis.url);
    cleanUp(() => proxy.close());
    const store = open({ prefix: newPrefix(), url: proxy.url });
    await Promise.all(
      Array.from({ length: 200 }, (_, index) => store.isNew(`${index}`, Date.now() + 9_000, 0)),
    );
    expect(proxy.connections).toBe(1);
  });

  it('does not know where Redis is silent or away, within its time, and knows again when it is back', async () => {
    const proxy = await TcpProxy.open(servers.redis.url);
    cleanUp(() => proxy.close());
    const store = open({ prefix: newPrefix(), url: proxy.url, timeoutMs: 500 });
    const ask = (signature: string) => store.isNew(signature, Date.now() + 60_000, 1_000);
    await until('it answers', () => ask(randomUUID()).catch(() => false));
    const failed = { code: 'COLORWAY_DIRECTORY_FAILED' };
    for (const cut of [() => proxy.swallow(), () => proxy.refuse()]) {
      cut();
      const asked = Array.from({ length: 20 }, () => ask(randomUUID()));
      for (const one of asked) await expect(one).rejects.toMatchObject(failed);
      proxy.heal();
      await until('it answers again', () => ask(randomUUID()).catch(() => false));
    }
  });

  it('is closed once and for all', async () => {
    const store = open({ prefix: newPrefix() });
    await store.isNew('a', Date.now() + 1_000, 0);
    await store.close();
    await store.close();
    await expect(store.isNew('b', Date.now() + 1_000, 0)).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
  });

  it('is made with options that can work alone', () => {
    for (const options of [{ timeoutMs: 0 }, { url: 'http://a' }, { prefix: '' }])
      expect(() => redisReplayStore(options)).toThrow(
        expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION' }),
      );
  });
});
