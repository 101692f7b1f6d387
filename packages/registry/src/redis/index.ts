export type { TlsOptions } from '../http-client/tls-options.js';
export type { RedisOptions } from './options.js';
export { redisDirectory, redisInstances, redisState } from './redis-directory.js';
export { type RedisReplayOptions, type RedisReplayStore, redisReplayStore } from './redis-replay-store.js';
