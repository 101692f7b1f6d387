export type { TlsOptions } from '../http-client/tls-options.js';
export { etcdDirectory } from './etcd-directory.js';
export type { EtcdDirectoryOptions } from './options.js';
