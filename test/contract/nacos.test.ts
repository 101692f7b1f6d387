import { randomUUID } from 'node:crypto';
import { nacosInstances } from '@colorway/registry/nacos';
import { describeWithServers } from '../services/jest/describe-with-servers.mjs';
import { describeInstanceStore } from './instance-store-contract.js';
import type { DirectoryUnderTest } from './support.js';

/* A server on a busy machine takes its time. */
jest.setTimeout(30_000);

describeWithServers(['nacos'], 'nacosInstances', (servers) => {
  async function make(): Promise<DirectoryUnderTest> {
    const { url } = servers.nacos;
    const namespace = randomUUID();
    const clients: ReturnType<typeof nacosInstances>[] = [];
    return {
      connect: () => {
        const client = nacosInstances({ url, namespace, listMs: 500 });
        clients.push(client);
        return client;
      },
      // What a client has registered goes with its connection.
      dispose: async () => void (await Promise.all(clients.map((client) => client.close()))),
    };
  }

  describeInstanceStore('nacosInstances', make);
});
