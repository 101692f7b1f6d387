import { isIP } from 'node:net';
import type { InstanceRecord } from './directory.js';
import { quote } from './errors.js';
import { plainText } from './plain-text.js';

/*
 * What a record of a directory may say. Anybody who may write there writes what they like, in any language, so a record
 * is held against this once, where it is read; behind it nothing looks again: a host stands in a header and in a
 * socket's address, a service in a header and in a certificate's name.
 */

/** Dots alone would be folders in the URLs of registries. */
const PUNYCODE = /(?:^|\.)xn--/i;
const SERVICE = /^(?=.*[A-Za-z0-9_-])[A-Za-z0-9._-]{1,128}$/;
/** The URL standard reads a name whose last part is a number, as `7`, `0x7f` and `10.0.0.1` are, as an address. */
const ENDS_IN_NUMBER = /(?:^|\.)(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?$/;
/** A name of DNS, with the underscore that Compose allows, or an IPv4 address. */
const HOST_NAME =
  /^(?=.{1,253}$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62})(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,62}))*\.?$/;
const IPV6 = /^[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9._-]{1,32})?$/;

const MAX_ID = 512;
/** Consul's greatest. */
const MAX_WEIGHT = 65_535;
/** The last moment that a `Date` can hold. */
const MAX_TIME = 8.64e15;
const MAX_PAIRS = 256;
const MAX_KEY = 256;
/** Of keys and values together, in characters; Nacos and Consul hold far less, etcd and Redis far more. */
const MAX_METADATA = 65_536;

/**
 * Whether a text is the name of a service: what a header, a directory key and the host of a URL can hold, and no address. Names
 * with a part that says to be Punycode (`xn--`) are none: which of them a URL can hold depends on the version of Node.
 */
export function isServiceName(name: unknown): name is string {
  return typeof name === 'string' && SERVICE.test(name) && !PUNYCODE.test(name) && !isAddressName(name);
}

/** Whether a URL with this host means an address, or this very machine: never a service. */
export function isAddressName(name: string): boolean {
  return ENDS_IN_NUMBER.test(name) || /^(?:.*\.)?localhost\.?$/i.test(name) || isIP(name) !== 0;
}

/** Whether a text can be the host of a socket's address: a name, an IPv4 address, or an IPv6 address without brackets. */
export function isHost(host: unknown): host is string {
  if (typeof host !== 'string') return false;
  return HOST_NAME.test(host) || (IPV6.test(host) && isIP(host) !== 0);
}

/** Why routing cannot use a record; `undefined` where it can. */
export function whyUnusable(record: InstanceRecord): string | undefined {
  const { id, service, host, port, weight, secure, startedAt } = record;
  if (!isText(id) || !isText(service)) return 'it has no id or no service';
  if (id.length > MAX_ID) return `its id has more than ${MAX_ID} characters`;
  if (plainText(id) !== id) return 'its id has characters that cannot be printed';
  if (!SERVICE.test(service)) return `the name of its service is not 1 to 128 of A-Za-z0-9._-`;
  if (isAddressName(service)) return 'the name of its service is an address';
  if (PUNYCODE.test(service)) return 'the name of its service says to be Punycode (xn--)';
  if (!isText(host)) return 'it has no host';
  if (!isHost(host)) return `host ${quote(host)} is no name and no address`;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return `port ${quote(port)} is not 1 to 65535`;
  if (weight !== undefined && !(typeof weight === 'number' && weight > 0 && weight <= MAX_WEIGHT))
    return `weight ${quote(weight)} must be above 0 and at most ${MAX_WEIGHT}`;
  if (secure !== undefined && typeof secure !== 'boolean') return `secure ${quote(secure)} is no boolean`;
  if (typeof startedAt === 'number' && Math.abs(startedAt) > MAX_TIME && Number.isFinite(startedAt))
    return `its start ${quote(startedAt)} is no time`;
  return whyMetadata(record.metadata);
}

function whyMetadata(metadata: unknown): string | undefined {
  if (metadata === undefined || metadata === null) return undefined;
  if (typeof metadata !== 'object' || Array.isArray(metadata)) return 'its metadata is no object';
  const pairs = Object.entries(metadata);
  if (pairs.length > MAX_PAIRS) return `its metadata has more than ${MAX_PAIRS} pairs`;
  let length = 0;
  for (const [key, value] of pairs) {
    if (typeof value !== 'string') return `metadata ${quote(key)} is no text`;
    if (key.length > MAX_KEY) return `a key of its metadata has more than ${MAX_KEY} characters`;
    length += key.length + value.length;
  }
  return length > MAX_METADATA ? `its metadata has more than ${MAX_METADATA} characters` : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}
