import type { CarrierOptions, Directory } from '@colorway/core';

/** What a configuration file exports by default, or, as JSON, contains. */
export interface CliConfig {
  /** The address of the directory, as `COLORWAY_DIRECTORY` has it; in a module also a function that makes it. */
  readonly directory: string | (() => Directory | Promise<Directory>);
  /** The address of the state half where the directory has none (Nacos), as `COLORWAY_STATE` has it. */
  readonly state?: string;
  /** The names under which a color travels, where they are not the defaults. */
  readonly carriers?: CarrierOptions;
}
