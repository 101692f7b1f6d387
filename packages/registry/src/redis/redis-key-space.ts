import { ColorwayError } from '@colorway/core';
import type { ResolvedRedisOptions } from './options.js';
import type { RedisConnection } from './redis-connection.js';
import { channelOf, keysOf } from './scripts.js';

/** The keys and the channel of one directory, and how its scripts are run. */
export class RedisKeySpace {
  readonly channel: string;
  readonly state: string;
  readonly instances: string;
  readonly #keys: readonly string[];

  constructor({ prefix, servers, sentinel }: ResolvedRedisOptions) {
    const database = sentinel?.primary.database ?? servers[0]?.database ?? 0;
    this.channel = channelOf(prefix, database);
    this.#keys = keysOf(prefix);
    const [state = '', , instances = ''] = this.#keys;
    this.state = state;
    this.instances = instances;
  }

  /** Redis keeps a script that it has seen compiled, and finds it by its text. */
  run(connection: RedisConnection, script: string, ...args: readonly string[]): Promise<unknown> {
    return connection.send('EVAL', script, String(this.#keys.length), ...this.#keys, ...args);
  }
}

/** An answer that no Redis gives. */
export function unreadable(connection: RedisConnection, answer: unknown): ColorwayError {
  return new ColorwayError(
    'COLORWAY_DIRECTORY_FAILED',
    `Redis at ${connection.address} has answered what cannot be read (${typeof answer}). Check that its keys belong to Colorway alone.`,
  );
}
