import { ColorwayError, type Directory, quote } from '@colorway/core';
import { Scope } from '@colorway/core/background';
import { FileInstances } from './file-instances.js';
import { FileState } from './file-state.js';
import { Folder } from './folder.js';

export interface FileDirectoryOptions {
  /**
   * The folder that all services of one machine share; made, for this user alone, if there is none. It must
   * be on a local file system. Default: the environment variable `COLORWAY_FOLDER`, else `colorway-<user id>`
   * in the system's folder for temporary files.
   */
  readonly folder?: string;
  /**
   * How often the folder is read where the system tells of no changes, in milliseconds. Where it does, changes
   * are seen at once, and every fourth time is enough. Default 250.
   */
  readonly pollMs?: number;
  /** How far the state log grows, in bytes, before it is compacted. Default 1 MiB. */
  readonly compactBytes?: number;
}

/**
 * A directory in a folder, for services on one machine: no server, no locks, and no damage by a process that
 * is killed at any moment. Instances are files whose modification time is their heartbeat; state is a log.
 * The folder is opened on first use. Everything that fails does so with `COLORWAY_DIRECTORY_FAILED`, which
 * names the folder and the remedy, and with `COLORWAY_CLOSED` after `close()`.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function fileDirectory(options: FileDirectoryOptions = {}): Required<Directory> {
  const pollMs = positive('pollMs', options.pollMs, 250);
  const compactBytes = positive('compactBytes', options.compactBytes, 1_048_576);
  const scope = new Scope('file directory');
  const folder = new Folder(options.folder);
  const instances = new FileInstances(scope, folder, pollMs);
  const state = new FileState(scope, folder, { pollMs, compactBytes });
  return {
    instances,
    state,
    close: async () => {
      instances.close();
      await state.close();
      await scope.dispose();
    },
  };
}

function positive(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= 1 && value <= 2_147_483_647) return value;
  throw new ColorwayError('COLORWAY_INVALID_OPTION', `${name}: ${quote(value)} must be a number from 1.`);
}
