/** A directory in Redis, or one half of it. Needs the package `redis`. @module */
export {
  type RedisOptions,
  redisDirectory,
  redisInstances,
  redisState,
  type TlsOptions,
} from '@colorway/registry/redis';
