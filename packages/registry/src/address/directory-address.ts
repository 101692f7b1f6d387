import { ColorwayError } from '@colorway/core';

export type DirectoryKind = 'consul' | 'etcd' | 'nacos' | 'redis';

/** `etcds://user:password@a:2379,b:2379/prefix?ca=ca.pem`, in its parts. */
export interface DirectoryAddress {
  readonly kind: DirectoryKind;
  readonly secure: boolean;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** `host:port`, one or several. */
  readonly hosts: readonly string[];
  /** Without slashes around it; `''` for none. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** As it was written, without its password and token: for messages. */
  readonly shown: string;
}

const KINDS = 'file:, consul:, consuls:, etcd:, etcds:, redis:, rediss:, nacos: or nacoss:';
/** By scheme: the kind of the directory, and whether it speaks TLS. */
const SCHEMES = new Map<string, readonly [kind: DirectoryKind, secure: boolean]>([
  ['consul', ['consul', false]],
  ['consuls', ['consul', true]],
  ['etcd', ['etcd', false]],
  ['etcds', ['etcd', true]],
  ['nacos', ['nacos', false]],
  ['nacoss', ['nacos', true]],
  ['redis', ['redis', false]],
  ['rediss', ['redis', true]],
]);
const PARTS = /^([a-z]+):\/\/(?:([^:@/?]*)(?::([^@/?]*))?@)?([^/?@]+)(?:\/([^?]*))?(?:\?(.*))?$/;

/** @throws ColorwayError `COLORWAY_INVALID_OPTION` for what is no address of a server; it shows no password and no token. */
export function parseAddress(text: string): DirectoryAddress {
  const shown = JSON.stringify(text.replace(/:[^:@/]*@/, ':***@').replace(/([?&]token=)[^&]*/, '$1***'));
  const [, scheme = '', username, password, hosts, path = '', query = ''] = PARTS.exec(text) ?? [];
  const [kind, secure] = SCHEMES.get(scheme) ?? [];
  if (hosts === undefined || kind === undefined || secure === undefined)
    throw addressError(`${shown} is not the address of a directory. It begins with ${KINDS}.`);
  return {
    kind,
    secure,
    username: username && decoded(username, shown),
    password: password && decoded(password, shown),
    hosts: hosts.split(','),
    path: path.replace(/\/+$/, ''),
    query: Object.fromEntries(new URLSearchParams(query)),
    shown,
  };
}

/** What an address may say besides hosts; anything else is a slip that would be silently lost. */
export function checkQuery({ query, shown }: DirectoryAddress, allowed: readonly string[]): void {
  const unknown = Object.keys(query).find((name) => !allowed.includes(name));
  if (unknown === undefined) return;
  throw addressError(
    `${shown}: there is no parameter ${JSON.stringify(unknown)}. There are: ${allowed.join(', ')}.`,
  );
}

export function addressError(message: string, cause?: unknown): ColorwayError {
  return new ColorwayError('COLORWAY_INVALID_OPTION', message, cause === undefined ? {} : { cause });
}

function decoded(part: string, shown: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw addressError(`${shown}: its user or password has a "%" that encodes nothing. Write %25 for it.`);
  }
}
