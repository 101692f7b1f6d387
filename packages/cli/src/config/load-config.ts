import { access, readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { deploymentOf } from '@colorway/registry';
import { usageFailure } from '../exit-status.js';
import type { CliConfig } from './cli-config.js';

const NAMES = ['colorway.config.mjs', 'colorway.config.js', 'colorway.config.cjs', 'colorway.config.json'];

export interface ConfigSources {
  /** `--config`. */
  readonly file: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
}

/**
 * The first of: `--config`, `COLORWAY_CONFIG`, `COLORWAY_DIRECTORY` (with `COLORWAY_STATE`), `colorway.config.*`
 * in the working folder; else the folder that services of this machine share by default, which is refused where it is likely to
 * be seen by nobody: an environment would be made that no service knows.
 */
export async function loadConfig({ file, env, cwd }: ConfigSources): Promise<CliConfig> {
  const named = file ?? (env.COLORWAY_CONFIG || undefined);
  if (named !== undefined) return readConfig(resolve(cwd, named));
  if (env.COLORWAY_DIRECTORY) {
    return { directory: env.COLORWAY_DIRECTORY, ...(env.COLORWAY_STATE && { state: env.COLORWAY_STATE }) };
  }
  for (const name of NAMES) {
    const path = resolve(cwd, name);
    if (await exists(path)) return readConfig(path);
  }
  const place = namesFolder(env) ? undefined : deploymentOf(env);
  if (place === undefined) return { directory: 'file:' };
  throw usageFailure(
    `No directory is named, and this command runs ${place}. Say which one the services share: COLORWAY_DIRECTORY=consul://host:8500 (or etcd:, redis:, nacos:, file:///shared/folder), a colorway.config.json, or COLORWAY_DIRECTORY=file: where they all run here, on one machine.`,
  );
}

function namesFolder({ COLORWAY_FOLDER }: ConfigSources['env']): boolean {
  return COLORWAY_FOLDER !== undefined && COLORWAY_FOLDER !== '';
}

async function readConfig(path: string): Promise<CliConfig> {
  let read: unknown;
  try {
    read = path.endsWith('.json')
      ? JSON.parse(await readFile(path, 'utf8'))
      : ((await import(pathToFileURL(path).href)) as { default?: unknown }).default;
  } catch (error) {
    throw usageFailure(`The configuration ${path} cannot be read: ${(error as Error).message}`);
  }
  if (isConfig(read)) return read;
  throw usageFailure(
    `The configuration ${path} names no directory. It needs { directory: "consul://127.0.0.1:8500" }, or, in a module, a function that makes one.`,
  );
}

function isConfig(read: unknown): read is CliConfig {
  if (typeof read !== 'object' || read === null) return false;
  const { directory, state } = read as Record<string, unknown>;
  const named = typeof directory === 'string' || typeof directory === 'function';
  return named && (state === undefined || typeof state === 'string');
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
