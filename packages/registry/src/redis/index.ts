export type { TlsOptions } from '../http-client/index.js';
export type { RedisOptions } from './options.js';
export { redisDirectory, redisInstances, redisState } from './redis-directory.js';
