/** A directory in Redis, or one half of it, and what `serviceAuth` remembers there against replays. @module */
export {
  type RedisOptions,
  type RedisReplayOptions,
  type RedisReplayStore,
  redisDirectory,
  redisInstances,
  redisReplayStore,
  redisState,
  type TlsOptions,
} from '@colorway/registry/redis';
