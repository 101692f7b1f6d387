import { memoryDirectory } from '@colorway/registry/memory';
import { describeInstanceStore } from './instance-store-contract.js';
import { describeStateStore } from './state-store-contract.js';
import type { DirectoryUnderTest } from './support.js';

async function make(): Promise<DirectoryUnderTest> {
  const directory = memoryDirectory();
  return { connect: () => directory, dispose: () => directory.close() };
}

describeInstanceStore('memoryDirectory', make);
describeStateStore('memoryDirectory', make);
