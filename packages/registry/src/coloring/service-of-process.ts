import { readFileSync, realpathSync } from 'node:fs';
import { dirname, join, sep } from 'node:path';
import { ColorwayError, isColorwayError } from '@colorway/core';
import { parseServiceName } from '../service-name.js';

/** Where the name of the service is looked for when no option says it. */
export interface ServiceSources {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The script that the process runs, as `process.argv[1]` has it. */
  readonly script: string | undefined;
  readonly cwd: string;
}

/**
 * The name of this process's service, the first of: the option, `COLORWAY_SERVICE`, `OTEL_SERVICE_NAME`, and the name in
 * package.json without its scope: the nearest one above the script that the process runs; above the working folder
 * where that script is a tool's (in `node_modules`), or where there is none. A package.json without a name is passed over.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`, which says where the name stands, or the ways to say one.
 */
export function serviceOfProcess(option: unknown, { env, script, cwd }: ServiceSources): string {
  if (option !== undefined) return parseServiceName(option);
  for (const name of ['COLORWAY_SERVICE', 'OTEL_SERVICE_NAME']) {
    const value = env[name];
    if (value) return named(name, value);
  }
  const found = nearestName(startOf(script) ?? cwd);
  if (found !== undefined) return named(found.path, found.name.replace(/^@[^/]*\//, ''));
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `service: missing. Say the name of this service: createColoring({ service: 'order' }), COLORWAY_SERVICE=order, or "name" in package.json; none was found above ${JSON.stringify(startOf(script) ?? cwd)}.`,
  );
}

function named(source: string, name: string): string {
  try {
    return parseServiceName(name);
  } catch (error) {
    if (!isColorwayError(error)) throw error;
    throw new ColorwayError(
      error.code,
      `${source}: ${error.message} COLORWAY_SERVICE, or the option "service", goes first.`,
    );
  }
}

/** `undefined` for a tool that runs the service's code, such as a test runner or a TypeScript loader. */
function startOf(script: string | undefined): string | undefined {
  if (script === undefined) return undefined;
  try {
    const path = realpathSync(script);
    return path.split(sep).includes('node_modules') ? undefined : path;
  } catch {
    return undefined; // bundled into an executable: there is no such file
  }
}

function nearestName(start: string): { readonly path: string; readonly name: string } | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    const name = nameIn(path);
    if (name !== undefined) return { path, name };
    if (folder === dirname(folder)) return undefined;
  }
}

function nameIn(path: string): string | undefined {
  try {
    const { name } = JSON.parse(readFileSync(path, 'utf8')) as { name?: unknown };
    return typeof name === 'string' && name !== '' ? name : undefined;
  } catch {
    return undefined; // none there, or not for us to judge
  }
}
