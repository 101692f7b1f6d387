export type { TlsOptions } from '../http-client/tls-options.js';
export { nacosInstances } from './nacos-instances.js';
export type { NacosOptions } from './options.js';
