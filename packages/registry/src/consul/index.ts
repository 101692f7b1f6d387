export type { TlsOptions } from '../http-client/tls-options.js';
export { consulDirectory } from './consul-directory.js';
export type { ConsulDirectoryOptions } from './options.js';
