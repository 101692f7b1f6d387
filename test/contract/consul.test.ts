import { randomUUID } from 'node:crypto';
import type { Directory } from '@colorway/core';
import { consulDirectory } from '@colorway/registry/consul';
import { describeWithServers } from '../services/jest/describe-with-servers.mjs';
import { describeInstanceStore } from './instance-store-contract.js';
import { describeStateStore } from './state-store-contract.js';
import type { DirectoryUnderTest } from './support.js';

/* A server on a busy machine takes its time. */
jest.setTimeout(30_000);

/* A server of its own: a watch tells of all services of a Consul, and here there must be none. */
describeWithServers(
  ['consul'],
  'Consul',
  (servers) => {
    async function make(): Promise<DirectoryUnderTest> {
      const url = servers.consul.url;
      const prefix = `contract/${randomUUID()}/`;
      const clients: Directory[] = [];
      return {
        connect: () => {
          const client = consulDirectory({ url, prefix, waitMs: 300 });
          clients.push(client);
          return client;
        },
        dispose: async () => {
          await Promise.all(clients.map((client) => client.close()));
          await request(`${url}/v1/kv/${prefix}?recurse`, 'DELETE');
          const services = Object.keys(JSON.parse(await request(`${url}/v1/agent/services`, 'GET')));
          for (const id of services) await request(`${url}/v1/agent/service/deregister/${id}`, 'PUT');
        },
      };
    }

    describeInstanceStore('consulDirectory', make);
    describeStateStore('consulDirectory', make);
  },
  { own: true },
);

async function request(url: string, method: string): Promise<string> {
  const response = await fetch(url, { method });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${url} answered ${response.status}: ${text}`);
  return text;
}
