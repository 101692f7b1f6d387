export type { TlsOptions } from '../http-client/index.js';
export { nacosInstances } from './nacos-instances.js';
export type { NacosOptions } from './options.js';
