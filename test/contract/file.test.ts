import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Directory } from '@colorway/core';
import { type FileDirectoryOptions, fileDirectory } from '@colorway/registry/file';
import { describeInstanceStore } from './instance-store-contract.js';
import { describeStateStore } from './state-store-contract.js';
import type { DirectoryUnderTest } from './support.js';

async function make(options: FileDirectoryOptions = {}): Promise<DirectoryUnderTest> {
  const folder = await mkdtemp(join(tmpdir(), 'colorway-contract-'));
  const clients: Directory[] = [];
  return {
    connect: () => {
      const client = fileDirectory({ ...options, folder });
      clients.push(client);
      return client;
    },
    dispose: async () => {
      await Promise.all(clients.map((client) => client.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

describeInstanceStore('fileDirectory', () => make());
describeStateStore('fileDirectory', () => make());
// So often compacted that nearly every test crosses from one log to the next.
describeStateStore('fileDirectory, compacted after 500 bytes', () => make({ compactBytes: 500 }));
