import type { Directory } from '@colorway/core';
import { type ColoringService, createColoring } from '@colorway/registry';
import type { CliConfig } from './config/cli-config.js';
import { openDirectory } from './config/open-directory.js';
import type { Output } from './output.js';

/** What every command works with. */
export interface Session {
  readonly coloring: ColoringService;
  readonly directory: Directory;
  readonly output: Output;
  /** Ctrl-C. */
  readonly signal: AbortSignal;
  /** Asks on the terminal; where there is none, fails and says which option answers instead. */
  readonly confirm: (question: string) => Promise<boolean>;
  readonly user: string;
  /** How long the directory may take to answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** A coloring without a color that never registers: it only looks, and writes environments. */
export async function openColoring(config: CliConfig, timeoutMs: number): Promise<ColoringService> {
  const directory = await openDirectory(config);
  return createColoring({
    service: 'colorway-cli',
    color: '',
    directory,
    directoryTimeoutMs: timeoutMs,
    ...(config.carriers !== undefined && { carriers: config.carriers }),
  });
}
