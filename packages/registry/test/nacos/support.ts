import { randomUUID } from 'node:crypto';
import type { InstanceRecord, InstanceStore } from '@colorway/core';
import { type NacosOptions, nacosInstances } from '@colorway/registry/nacos';
import { instancesTold } from '../../../../test/contract/support.js';
import { cleanUp } from '../support/clean-up.js';

/** A client with short times; closed after the test. */
export function nacosOn(options: NacosOptions): {
  readonly instances: InstanceStore;
  close(): Promise<void>;
} {
  const directory = nacosInstances({ listMs: 300, timeoutMs: 2_000, ...options });
  cleanUp(() => directory.close());
  return directory;
}

/** A namespace that no other test has. */
export function newNamespace(): string {
  return randomUUID();
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

/** The Open API, as a client in any language uses it. */
export async function openApi(
  url: string,
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  fields: Readonly<Record<string, string>>,
): Promise<string> {
  const query = new URLSearchParams(fields);
  const response = await fetch(`${url}/nacos/v1/ns/${path}?${query}`, { method });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`);
  return text;
}
