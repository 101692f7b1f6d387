export type { TlsOptions } from '../http-client/index.js';
export { consulDirectory } from './consul-directory.js';
export type { ConsulDirectoryOptions } from './options.js';
