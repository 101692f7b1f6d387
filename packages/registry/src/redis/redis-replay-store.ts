import { createHash } from 'node:crypto';
import { ColorwayError, type ReplayStore } from '@colorway/core';
import { Scope, within } from '@colorway/core/background';
import { milliseconds } from '../option-checks.js';
import { type RedisOptions, resolveRedisOptions } from './options.js';
import { RedisLink } from './redis-link.js';

/** Those of {@link RedisOptions}; `timeoutMs` is another. */
export interface RedisReplayOptions
  extends Pick<RedisOptions, 'url' | 'username' | 'password' | 'database' | 'tls' | 'sentinel' | 'prefix'> {
  /** How long a request waits for its answer, connecting included, in milliseconds. Default 1,000. */
  readonly timeoutMs?: number;
}

export interface RedisReplayStore extends ReplayStore {
  /**
   * @throws ColorwayError (as a rejection) `COLORWAY_DIRECTORY_FAILED` where Redis fails or is silent, `COLORWAY_CLOSED`
   *   after `close()`
   */
  isNew(signature: string, endsAt: number, clockSkewMs: number): Promise<boolean>;
  close(): Promise<void>;
}

/**
 * Lets a signature of `serviceAuth` count once among all processes that share a Redis 6 or newer:
 *
 *     const replay = redisReplayStore({ url: 'redis://127.0.0.1:6379' });
 *     const auth = serviceAuth({ secret: process.env.SERVICE_SECRET, replay });
 *     coloring.onClose('release', () => replay.close());
 *
 * One `SET NX PX` for each signed request. The keys are `{colorway}:replay:` and a digest, and expire by themselves. What
 * Redis forgets can be sent again: the last keys in a failover, all in a restart without a disk, any under a
 * `maxmemory-policy` that evicts.
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function redisReplayStore(options: RedisReplayOptions = {}): RedisReplayStore {
  const timeoutMs = milliseconds('timeoutMs', options.timeoutMs, 1_000);
  const resolved = resolveRedisOptions({ ...options, timeoutMs });
  const scope = new Scope('Redis replay store');
  const link = new RedisLink(scope, resolved, 'replay store');
  const late = (): Error =>
    new ColorwayError(
      'COLORWAY_DIRECTORY_FAILED',
      `The Redis that remembers signatures has not answered within ${timeoutMs} ms. Check that it can be reached, or raise timeoutMs.`,
    );
  return {
    async isNew(signature, endsAt, clockSkewMs) {
      const key = `${resolved.prefix}replay:${digest(signature)}`;
      const ms = Math.max(1, Math.ceil(endsAt + clockSkewMs - Date.now()));
      const asked = link.run((connection) => connection.send('SET', key, '', 'NX', 'PX', String(ms)));
      return (await within(timeoutMs, asked, late)) === 'OK';
    },
    async close() {
      link.close();
      await scope.dispose();
    },
  };
}

/** A key of one length, whatever a signer has chosen. */
function digest(signature: string): string {
  return createHash('sha256').update(signature).digest('base64url');
}
