/** A directory in etcd. @module */
export { type EtcdDirectoryOptions, etcdDirectory, type TlsOptions } from '@colorway/registry/etcd';
