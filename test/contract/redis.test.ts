import { randomUUID } from 'node:crypto';
import type { Directory } from '@colorway/core';
import { redisDirectory } from '@colorway/registry/redis';
import { createClient } from 'redis';
import { describeWithServers } from '../services/jest/describe-with-servers.mjs';
import { describeInstanceStore } from './instance-store-contract.js';
import { describeStateStore } from './state-store-contract.js';
import type { DirectoryUnderTest } from './support.js';

/* A server on a busy machine takes its time. */
jest.setTimeout(30_000);

describeWithServers(['redis'], 'redisDirectory', (servers) => {
  async function make(): Promise<DirectoryUnderTest> {
    const { url } = servers.redis;
    const prefix = `test-${randomUUID()}`;
    const clients: Directory[] = [];
    return {
      connect: () => {
        const client = redisDirectory({ url, prefix, pollMs: 500 });
        clients.push(client);
        return client;
      },
      dispose: async () => {
        await Promise.all(clients.map((client) => client.close()));
        const redis = await createClient({ url }).connect();
        const keys = await redis.keys(`{${prefix}}:*`);
        if (keys.length > 0) await redis.del(keys);
        redis.destroy();
      },
    };
  }

  describeInstanceStore('redisDirectory', make);
  describeStateStore('redisDirectory', make);
});
