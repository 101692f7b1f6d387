import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Directory } from '@colorway/core';
import { composeDirectory } from '@colorway/registry';
import { usageFailure } from '../exit-status.js';
import type { CliConfig } from './cli-config.js';
import { checkQuery, type DirectoryAddress, type DirectoryKind, parseAddress } from './directory-address.js';

/** The directory that the configuration names; adapters and their clients are loaded when they are needed. */
export async function openDirectory({ directory, state }: CliConfig): Promise<Directory> {
  const opened = typeof directory === 'string' ? await directoryAt(directory) : await directory();
  if (state === undefined) return opened;
  const half = await directoryAt(state);
  if (half.state === undefined) {
    throw usageFailure(`${parseAddress(state).shown} keeps no state. Name Consul, etcd, Redis or a folder.`);
  }
  return composeDirectory({ instances: opened, state: { ...half, state: half.state } });
}

/** For messages: which servers those are. */
export function nameOf({ directory, state }: CliConfig): string {
  const names = [directory, state].filter((one) => typeof one === 'string');
  if (names.length === 0) return 'the directory of the configuration';
  return names.map((text) => (text.startsWith('file:') ? text : serversAt(text))).join(', or ');
}

function serversAt(text: string): string {
  const { kind, hosts } = parseAddress(text);
  return `${kind} at ${hosts.join(',')}`;
}

async function directoryAt(text: string): Promise<Directory> {
  if (text.startsWith('file:')) {
    const { fileDirectory } = await import('@colorway/registry/file');
    return fileDirectory(text === 'file:' ? {} : { folder: folderOf(text) });
  }
  const address = parseAddress(text);
  return ADAPTERS[address.kind](address);
}

/** By the kind of the address. Each takes what its adapter has options for. */
const ADAPTERS: Readonly<Record<DirectoryKind, (address: DirectoryAddress) => Promise<Directory>>> = {
  async consul(address) {
    checkQuery(address, ['token', 'datacenter', 'namespace', 'ca']);
    const { consulDirectory } = await import('@colorway/registry/consul');
    const { token, datacenter, namespace } = address.query;
    return consulDirectory({
      url: httpUrls(address),
      ...prefix(address),
      ...tls(address),
      ...(token !== undefined && { token }),
      ...(datacenter !== undefined && { datacenter }),
      ...(namespace !== undefined && { namespace }),
    });
  },
  async etcd(address) {
    checkQuery(address, ['ca']);
    const { etcdDirectory } = await import('@colorway/registry/etcd');
    return etcdDirectory({
      url: httpUrls(address),
      ...prefix(address),
      ...tls(address),
      ...credentials(address),
    });
  },
  async nacos(address) {
    checkQuery(address, ['namespace', 'group', 'ca']);
    const { nacosInstances } = await import('@colorway/registry/nacos');
    const { namespace, group } = address.query;
    return nacosInstances({
      url: httpUrls(address),
      ...tls(address),
      ...credentials(address),
      ...(namespace !== undefined && { namespace }),
      ...(group !== undefined && { group }),
    });
  },
  async redis(address) {
    checkQuery(address, ['prefix', 'ca']);
    const { redisDirectory } = await import('@colorway/registry/redis');
    const { hosts, secure, path, query } = address;
    const scheme = secure ? 'rediss' : 'redis';
    return redisDirectory({
      url: hosts.map((host) => `${scheme}://${host}/${path}`),
      ...credentials(address),
      ...tls(address),
      ...(query.prefix !== undefined && { prefix: query.prefix }),
    });
  },
};

function httpUrls({ hosts, secure }: DirectoryAddress): string[] {
  return hosts.map((host) => `${secure ? 'https' : 'http'}://${host}`);
}

function prefix({ path }: DirectoryAddress): { prefix?: string } {
  return path === '' ? {} : { prefix: `${path}/` };
}

function credentials({ username, password }: DirectoryAddress): { username?: string; password?: string } {
  return { ...(username !== undefined && { username }), ...(password !== undefined && { password }) };
}

function tls({ query: { ca }, shown }: DirectoryAddress): { tls?: { ca: string } } {
  if (ca === undefined) return {};
  try {
    return { tls: { ca: readFileSync(ca, 'utf8') } };
  } catch (error) {
    throw usageFailure(`${shown}: the certificate ${ca} cannot be read: ${(error as Error).message}`);
  }
}

function folderOf(text: string): string {
  try {
    return fileURLToPath(text);
  } catch {
    throw usageFailure(`${JSON.stringify(text)} is not the address of a folder. Write file:///the/folder.`);
  }
}
