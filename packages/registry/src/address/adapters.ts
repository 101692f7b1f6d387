import { readFileSync } from 'node:fs';
import type { Directory } from '@colorway/core';
import { type ConsulDirectoryOptions, resolveOptions as resolveConsul } from '../consul/options.js';
import { type EtcdDirectoryOptions, resolveOptions as resolveEtcd } from '../etcd/options.js';
import { Endpoints } from '../http-client/endpoints.js';
import { type NacosOptions, resolveNacosOptions } from '../nacos/options.js';
import { type RedisOptions, resolveRedisOptions } from '../redis/options.js';
import { addressError, checkQuery, type DirectoryAddress, type DirectoryKind } from './directory-address.js';

/** A directory that an address names, checked; neither its adapter nor a client is loaded yet. */
export interface AddressedDirectory {
  /** The package of the client, which may be missing. */
  readonly client: 'redis' | 'undici';
  readonly keepsState: boolean;
  readonly load: () => Promise<Directory>;
}

/** Takes of an address what the adapter has options for. @throws ColorwayError `COLORWAY_INVALID_OPTION` */
export function adapterOf(address: DirectoryAddress): AddressedDirectory {
  return ADAPTERS[address.kind](address);
}

/* Options are checked here by the functions that the adapters use, so that a slip is an error at the start. */
const ADAPTERS: Readonly<Record<DirectoryKind, (address: DirectoryAddress) => AddressedDirectory>> = {
  consul(address) {
    checkQuery(address, ['token', 'datacenter', 'namespace', 'ca']);
    if (address.username !== undefined)
      throw addressError(`${address.shown}: Consul knows no users. Give a token: ?token=…`);
    const { token, datacenter, namespace } = address.query;
    const options: ConsulDirectoryOptions = {
      url: httpUrls(address),
      ...prefix(address),
      ...tls(address),
      ...(token !== undefined && { token }),
      ...(datacenter !== undefined && { datacenter }),
      ...(namespace !== undefined && { namespace }),
    };
    new Endpoints('url', resolveConsul(options).urls);
    const load = async () => (await import('../consul/consul-directory.js')).consulDirectory(options);
    return { client: 'undici', keepsState: true, load };
  },
  etcd(address) {
    checkQuery(address, ['ca']);
    const options: EtcdDirectoryOptions = {
      url: httpUrls(address),
      ...prefix(address),
      ...tls(address),
      ...credentials(address),
    };
    new Endpoints('url', resolveEtcd(options).urls);
    const load = async () => (await import('../etcd/etcd-directory.js')).etcdDirectory(options);
    return { client: 'undici', keepsState: true, load };
  },
  nacos(address) {
    checkQuery(address, ['namespace', 'group', 'ca']);
    const { namespace, group } = address.query;
    const options: NacosOptions = {
      url: httpUrls(address),
      ...tls(address),
      ...credentials(address),
      ...(namespace !== undefined && { namespace }),
      ...(group !== undefined && { group }),
    };
    resolveNacosOptions(options);
    const load = async () => (await import('../nacos/nacos-instances.js')).nacosInstances(options);
    return { client: 'undici', keepsState: false, load };
  },
  redis(address) {
    checkQuery(address, ['prefix', 'ca']);
    const { hosts, secure, path, query } = address;
    const scheme = secure ? 'rediss' : 'redis';
    const options: RedisOptions = {
      url: hosts.map((host) => `${scheme}://${host}/${path}`),
      ...credentials(address),
      ...tls(address),
      ...(query.prefix !== undefined && { prefix: query.prefix }),
    };
    resolveRedisOptions(options);
    const load = async () => (await import('../redis/redis-directory.js')).redisDirectory(options);
    return { client: 'redis', keepsState: true, load };
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
    throw addressError(`${shown}: the certificate ${ca} cannot be read: ${(error as Error).message}`, error);
  }
}
