export type { TlsOptions } from '../http-client/index.js';
export { etcdDirectory } from './etcd-directory.js';
export type { EtcdDirectoryOptions } from './options.js';
