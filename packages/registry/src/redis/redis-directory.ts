import type { Directory, InstanceStore, StateStore } from '@colorway/core';
import { Scope } from '@colorway/core/background';
import { ChangeTracker } from './change-tracker.js';
import { type RedisOptions, resolveRedisOptions } from './options.js';
import { RedisInstances } from './redis-instances.js';
import { RedisKeySpace } from './redis-key-space.js';
import { RedisLink } from './redis-link.js';
import { RedisState } from './redis-state.js';

/**
 * A directory in Redis 6 or newer, with the package `redis` (node-redis): both halves. It connects on first
 * use, and finds the primary again when it moves. What fails does so with `COLORWAY_DIRECTORY_FAILED`, which
 * names the server and the remedy, and with `COLORWAY_CLOSED` after `close()`. A write that fails may stand.
 *
 * Redis answers before its replicas, and by default its disk, have a write: docs/registries.md says what a
 * failover can lose.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function redisDirectory(options: RedisOptions = {}): Required<Directory> {
  const resolved = resolveRedisOptions(options);
  const scope = new Scope('Redis directory');
  const link = new RedisLink(scope, resolved);
  const space = new RedisKeySpace(resolved);
  const tracker = new ChangeTracker(scope, link, space, resolved);
  return {
    instances: new RedisInstances(link, space, tracker),
    state: new RedisState(link, space, tracker, resolved.wait),
    close: async () => {
      tracker.close();
      link.close();
      await scope.dispose();
    },
  };
}

/** The state half of {@link redisDirectory} alone, for `composeDirectory`. */
export function redisState(options: RedisOptions = {}): {
  readonly state: StateStore;
  close(): Promise<void>;
} {
  const { state, close } = redisDirectory(options);
  return { state, close };
}

/** The instances half of {@link redisDirectory} alone, for `composeDirectory`. */
export function redisInstances(options: RedisOptions = {}): {
  readonly instances: InstanceStore;
  close(): Promise<void>;
} {
  const { instances, close } = redisDirectory(options);
  return { instances, close };
}
