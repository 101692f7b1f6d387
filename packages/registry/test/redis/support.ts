import { randomUUID } from 'node:crypto';
import type { Directory, InstanceRecord, InstanceStore, StateStore } from '@colorway/core';
import { type RedisOptions, redisDirectory } from '@colorway/registry/redis';
import { createClient } from 'redis';
import { instancesTold, stateTold } from '../../../../test/contract/support.js';
import { cleanUp } from '../support/clean-up.js';

/** A client with short times; closed after the test. */
export function redisOn(options: RedisOptions): Required<Directory> {
  const directory = redisDirectory({ pollMs: 300, timeoutMs: 1_000, ...options });
  cleanUp(() => directory.close());
  return directory;
}

/** A prefix that no other test has. */
export function newPrefix(): string {
  return `test-${randomUUID()}`;
}

export function instance(id: string, more: Partial<InstanceRecord> = {}): InstanceRecord {
  return { id, service: 'order', host: '10.0.0.7', port: 3001, metadata: {}, startedAt: 1, ...more };
}

/** What a watch tells; closed after the test. */
export function watchInstances(store: InstanceStore) {
  const told = instancesTold();
  const watch = store.watch(told);
  told.ready();
  cleanUp(() => watch.close());
  return told;
}

export function watchState(store: StateStore, prefix: string) {
  const told = stateTold();
  const watch = store.watch(prefix, told);
  told.ready();
  cleanUp(() => watch.close());
  return told;
}

/** Sends one command as anybody could. */
export async function redisCommand(url: string, ...command: string[]): Promise<unknown> {
  const client = createClient({ url });
  client.on('error', () => {});
  await client.connect();
  try {
    return await client.sendCommand(command);
  } finally {
    client.destroy();
  }
}
