export type { CliConfig } from './config/cli-config.js';
export { EXIT, type ExitStatus } from './exit-status.js';
export { type CliOptions, runCli } from './run-cli.js';
