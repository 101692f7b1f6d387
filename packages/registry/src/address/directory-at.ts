import { fileURLToPath } from 'node:url';
import type { Directory } from '@colorway/core';
import { composeDirectory } from '../compose-directory.js';
import { fileDirectory } from '../file/file-directory.js';
import { adapterOf } from './adapters.js';
import { addressError, parseAddress } from './directory-address.js';
import { lateDirectory } from './late-directory.js';

/**
 * The directory at an address, as `COLORWAY_DIRECTORY` and the command line have it: `file:` (the folder that services of this
 * machine share by default), `file:///folder`, `consul://host:8500/prefix`, `etcd://a:2379,b:2379/prefix`,
 * `redis://host:6379/0`, `nacos://host:8848`; over TLS `consuls:`, `etcds:`, `rediss:`, `nacoss:`.
 *
 * The adapter and its client (`undici`, `redis`) are loaded for the address that needs them, in the background.
 *
 * @param directory an address, or a directory that is to get another state half.
 * @param state the address of the state half, where the first keeps none (Nacos), as `COLORWAY_STATE` has it.
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`, which shows no password and no token.
 */
export function directoryAt(directory: string | Directory, state?: string): Directory {
  const instances = typeof directory === 'string' ? openAt(directory) : directory;
  if (state === undefined) return instances;
  const half = openAt(state);
  if (half.state === undefined)
    throw addressError(`${parseAddress(state).shown} keeps no state. Name Consul, etcd, Redis or a folder.`);
  return composeDirectory({ instances, state: half });
}

/** For messages: which servers, or which folder, an address names. @throws ColorwayError as {@link directoryAt} does */
export function describeAddress(address: string): string {
  if (isFile(address)) return address;
  const { kind, hosts } = parseAddress(address);
  return `${kind} at ${hosts.join(',')}`;
}

function openAt(text: string): Directory {
  if (isFile(text)) return fileDirectory(text === 'file:' ? {} : { folder: folderOf(text) });
  const address = parseAddress(text);
  return lateDirectory(adapterOf(address), address.shown);
}

function isFile(text: string): boolean {
  return text.startsWith('file:');
}

function folderOf(text: string): string {
  try {
    // A URL takes `file:data` for `/data`, which nobody means.
    if (text.startsWith('file:/')) return fileURLToPath(text);
  } catch {
    // Said below, with what would be right.
  }
  throw addressError(`${JSON.stringify(text)} is not the address of a folder. Write file:///the/folder.`);
}
