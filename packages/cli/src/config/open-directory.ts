import { type Directory, isColorwayError } from '@colorway/core';
import { describeAddress, directoryAt } from '@colorway/registry';
import { usageFailure } from '../exit-status.js';
import type { CliConfig } from './cli-config.js';

/** The directory that the configuration names. */
export async function openDirectory({ directory, state }: CliConfig): Promise<Directory> {
  const opened = typeof directory === 'string' ? directory : await directory();
  return inUsage(() => directoryAt(opened, state));
}

/** For messages: which servers those are. */
export function nameOf({ directory, state }: CliConfig): string {
  const names = [directory, state].filter((one) => typeof one === 'string');
  return names.length === 0 ? 'the directory of the configuration' : names.map(describeAddress).join(', or ');
}

/** What is wrong with an address is wrong usage to the command line. */
function inUsage<T>(open: () => T): T {
  try {
    return open();
  } catch (error) {
    throw isColorwayError(error) ? usageFailure(error.message) : error;
  }
}
