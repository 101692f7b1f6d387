import { existsSync } from 'node:fs';
import { ColorwayError, type Directory } from '@colorway/core';
import { fileDirectory } from './file/file-directory.js';

/**
 * The directory of who names none: the folder that all services of one machine share. In a container it would be a
 * folder of that container alone, which answers at once and knows nobody, so that colored calls would slide to DNS.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION` in production and in containers, where no folder is named.
 */
export function defaultDirectory(
  env: NodeJS.ProcessEnv = process.env,
  exists: (path: string) => boolean = existsSync,
): Directory {
  const where = placeOf(env, exists);
  if (where === undefined || env.COLORWAY_FOLDER !== undefined) return fileDirectory();
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `directory: missing, and this process runs ${where}. Name the directory that all services share, like consulDirectory({ url }). ` +
      'Where they do all run on this one machine, give fileDirectory() or set COLORWAY_FOLDER.',
  );
}

function placeOf(env: NodeJS.ProcessEnv, exists: (path: string) => boolean): string | undefined {
  if (env.KUBERNETES_SERVICE_HOST !== undefined) return 'in Kubernetes';
  if (env.NODE_ENV === 'production') return 'in production (NODE_ENV)';
  /* Builds and development run in containers too, and all their services in one. */
  if (env.CI !== undefined || env.NODE_ENV === 'test' || env.NODE_ENV === 'development') return undefined;
  return exists('/.dockerenv') || exists('/run/.containerenv') ? 'in a container' : undefined;
}
