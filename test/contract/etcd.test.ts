import { randomUUID } from 'node:crypto';
import type { Directory } from '@colorway/core';
import { etcdDirectory } from '@colorway/registry/etcd';
import { describeWithServers } from '../services/jest/describe-with-servers.mjs';
import { describeInstanceStore } from './instance-store-contract.js';
import { describeStateStore } from './state-store-contract.js';
import type { DirectoryUnderTest } from './support.js';

/* A server on a busy machine takes its time. */
jest.setTimeout(30_000);

describeWithServers(['etcd'], 'etcd', (servers) => {
  async function make(): Promise<DirectoryUnderTest> {
    const url = servers.etcd.url;
    const prefix = `contract/${randomUUID()}/`;
    const clients: Directory[] = [];
    return {
      connect: () => {
        const client = etcdDirectory({ url, prefix, checkMs: 300 });
        clients.push(client);
        return client;
      },
      dispose: async () => {
        await Promise.all(clients.map((client) => client.close()));
        const all = { key: base64(prefix), range_end: base64(`${prefix.slice(0, -1)}0`) };
        await fetch(`${url}/v3/kv/deleterange`, { method: 'POST', body: JSON.stringify(all) });
      },
    };
  }

  describeInstanceStore('etcdDirectory', make);
  describeStateStore('etcdDirectory', make);
});

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
