import { randomUUID } from 'node:crypto';
import { type Directory, parseColor, route } from '@colorway/core';
import { composeDirectory, createColoring } from '@colorway/registry';
import { nacosInstances } from '@colorway/registry/nacos';
import { redisDirectory, redisState } from '@colorway/registry/redis';
import { createClient } from 'redis';
import { describeWithServers } from '../services/jest/describe-with-servers.mjs';
import { describeInstanceStore } from './instance-store-contract.js';
import { describeStateStore } from './state-store-contract.js';
import { type DirectoryUnderTest, until } from './support.js';

describeWithServers(['nacos', 'redis'], 'Nacos and Redis composed', (servers) => {
  async function make(): Promise<DirectoryUnderTest> {
    const scope = randomUUID();
    const { url } = servers.redis;
    const clients: Directory[] = [];
    return {
      connect: () => {
        const client = composeDirectory({
          instances: nacosInstances({ url: servers.nacos.url, namespace: scope, listMs: 500 }),
          state: redisState({ url, prefix: scope, pollMs: 500 }),
        });
        clients.push(client);
        return client;
      },
      dispose: async () => {
        await Promise.all(clients.map((client) => client.close()));
        const redis = await createClient({ url }).connect();
        const keys = await redis.keys(`{${scope}}:*`);
        if (keys.length > 0) await redis.del(keys);
        redis.destroy();
      },
    };
  }

  describeInstanceStore('Nacos and Redis', make);
  describeStateStore('Nacos and Redis', make);

  test('an environment from its first instance to the call that fails because the last one is gone', async () => {
    const subject = await make();
    const color = parseColor('feat-cart');
    const caller = createColoring({ service: 'web', color: '', directory: subject.connect() });
    const baseline = createColoring({ service: 'stock', color: '', directory: subject.connect() });
    const colored = createColoring({
      service: 'stock',
      color,
      directory: subject.connect(),
      closing: { noticeMs: 10 },
    });
    try {
      await baseline.register({ port: 3001 });
      await colored.register({ port: 3002 });
      const kind = () => route(color, 'stock', caller.view()).kind;
      await until('the colored instance is chosen', () => kind() === 'colored');
      expect((await caller.environments.get(color))?.color).toBe(color);
      expect(route(undefined, 'stock', caller.view()).kind).toBe('baseline');
      await colored.close();
      // Law 2: declared and down fails; it does not slide to the baseline.
      await until('the call fails', () => kind() === 'unavailable');
      await caller.environments.delete(color);
      await until('it is baseline again', () => kind() === 'baseline');
    } finally {
      await Promise.all([caller.close(), baseline.close(), colored.close()]);
      await subject.dispose();
    }
  }, 60_000);

  test('each half of Redis can be had alone', async () => {
    const both = redisDirectory({ url: servers.redis.url, prefix: randomUUID() });
    expect(composeDirectory({ instances: both, state: both }).state).toBe(both.state);
    await both.close();
  });
});
