/** The instances half of a directory in Nacos; `composeDirectory` joins it with a state half. @module */
export { type NacosOptions, nacosInstances, type TlsOptions } from '@colorway/registry/nacos';
