/** A directory in Consul. @module */
export { type ConsulDirectoryOptions, consulDirectory, type TlsOptions } from '@colorway/registry/consul';
