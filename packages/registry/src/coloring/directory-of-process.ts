import { existsSync } from 'node:fs';
import { ColorwayError, type Directory, isColorwayError } from '@colorway/core';
import { directoryAt } from '../address/index.js';
import { fileDirectory } from '../file/file-directory.js';
import { namedFolder } from '../file/folder.js';

/** Where the directory is looked for when no option says it. */
export interface DirectorySources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: of the file system. */
  readonly exists?: (path: string) => boolean;
}

export interface ProcessDirectory {
  readonly directory: Directory;
  /** Nobody has named it: it is the folder that services of this machine share. */
  readonly isForgotten: boolean;
}

/**
 * The directory of this process, the first of: the option, `COLORWAY_DIRECTORY` (with `COLORWAY_STATE` for the state half),
 * `COLORWAY_FOLDER`, the folder that services of this machine share. The last is refused where it is likely to be a
 * folder that nobody else sees, which answers at once and knows nobody: colored calls would slide to DNS.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION` for an address that is none, and where a directory has to be named.
 */
export function directoryOfProcess(
  option: Directory | undefined,
  sources: DirectorySources,
): ProcessDirectory {
  if (option !== undefined) return { directory: option, isForgotten: false };
  const { env, exists = existsSync } = sources;
  const { COLORWAY_DIRECTORY: address, COLORWAY_STATE: state } = env;
  if (address) return { directory: atAddress(address, state || undefined), isForgotten: false };
  if (state)
    throw invalid(
      'COLORWAY_STATE: it names the state half of a directory, and COLORWAY_DIRECTORY names none. Set COLORWAY_DIRECTORY too, like COLORWAY_DIRECTORY=nacos://127.0.0.1:8848.',
    );
  if (namedFolder(env) !== undefined) return { directory: fileDirectory(), isForgotten: false };
  const place = deploymentOf(env, exists);
  if (place === undefined) return { directory: fileDirectory(), isForgotten: true };
  throw invalid(
    `directory: missing, and this process runs ${place}, where a folder of its own would know no other service. ` +
      'Say which directory all services share, in one of three ways: createColoring({ directory: consulDirectory({ url }) }); ' +
      'COLORWAY_DIRECTORY=consul://host:8500, or etcd:, redis:, nacos:, file:///shared/folder; ' +
      'COLORWAY_DIRECTORY=file: where they do all run here, on one machine.',
  );
}

function atAddress(address: string, state: string | undefined): Directory {
  const open = (name: string, what: () => Directory): Directory => {
    try {
      return what();
    } catch (error) {
      if (!isColorwayError(error)) throw error;
      throw new ColorwayError(error.code, `${name}: ${error.message}`, { cause: error });
    }
  };
  const instances = open('COLORWAY_DIRECTORY', () => directoryAt(address));
  return open('COLORWAY_STATE', () => directoryAt(instances, state));
}

/**
 * Where a process runs of which a directory has to be named, because a folder of its own is likely to be seen by nobody else:
 * `in production (NODE_ENV)`, say, for messages; `undefined` on a machine of somebody's own.
 */
export function deploymentOf(
  env: DirectorySources['env'],
  exists: (path: string) => boolean = existsSync,
): string | undefined {
  if (env.KUBERNETES_SERVICE_HOST) return 'in Kubernetes (KUBERNETES_SERVICE_HOST)';
  if (env.NODE_ENV === 'production') return 'in production (NODE_ENV)';
  const mark = ['/.dockerenv', '/run/.containerenv'].find(exists);
  return mark === undefined ? undefined : `in a container (${mark})`;
}

function invalid(message: string): ColorwayError {
  return new ColorwayError('COLORWAY_INVALID_OPTION', message);
}
