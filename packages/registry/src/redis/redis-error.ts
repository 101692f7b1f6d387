import { ColorwayError, isColorwayError } from '@colorway/core';
import { ErrorReply } from 'redis';
import { reasonOf } from '../warn.js';

/** An answer of Redis that begins with a word like `READONLY`; `undefined` when it has not answered. */
export function replyWord(error: unknown): string | undefined {
  return error instanceof ErrorReply ? (/^[A-Z]+/.exec(error.message)?.[0] ?? 'ERR') : undefined;
}

/**
 * Where the command should have gone, for an answer which says that it was not carried out because another
 * server is the primary. A host that is not told is the same one.
 */
export function elsewhere(error: unknown): { readonly host?: string; readonly port?: number } | undefined {
  const word = replyWord(error);
  if (word === 'READONLY') return {};
  if (word !== 'MOVED') return undefined;
  const [, host = '', port = ''] = /^MOVED \d+ (.*):(\d+)$/.exec((error as Error).message) ?? [];
  return { ...(host === '' ? {} : { host }), port: Number(port) };
}

/** Whatever went wrong, as an error that says where and what to do. */
export function failedAt(address: string, error: unknown): ColorwayError {
  if (isColorwayError(error)) return error;
  const remedy = REMEDIES[replyWord(error) ?? ''] ?? 'Check that it runs and can be reached.';
  return new ColorwayError(
    'COLORWAY_DIRECTORY_FAILED',
    `Redis at ${address} fails: ${reasonOf(error)}. ${remedy}`.replace('..', '.'),
    { cause: error },
  );
}

const REMEDIES: Readonly<Record<string, string>> = {
  WRONGPASS: 'Check username and password.',
  NOAUTH: 'Give a username and password.',
  NOPERM: 'Give its user the commands, keys and channel that docs/registries.md lists.',
  MISCONF: 'It cannot write to its disk.',
  OOM: 'Its memory is full. Raise maxmemory; maxmemory-policy must be noeviction.',
  LOADING: 'It is reading its data; try again.',
  CLUSTERDOWN: 'Its cluster has lost nodes.',
  NOREPLICAS: 'Too few of its replicas are connected.',
};
