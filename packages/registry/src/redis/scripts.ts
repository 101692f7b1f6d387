/*
 * Each script is one step that nobody sees the half of. All take the same five keys, which are in one slot of
 * a cluster. Every change has a revision, one more than the one before, and is published with it, so that a
 * watch which misses a message sees that it did.
 */

/** The keys of one directory, in the order in which every script takes them. */
export function keysOf(prefix: string): readonly string[] {
  return ['state', 'state-keys', 'instances', 'leases', 'meta'].map((name) => prefix + name);
}

/** Where changes are told. Channels are the same in all databases of a server. */
export function channelOf(prefix: string, database: number): string {
  return `${prefix}changes:${database}`;
}

const PRELUDE = `
local state, keys, instances, leases, meta = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local function changed(channel, what, name)
  local revision = redis.call('HINCRBY', meta, 'revision', 1)
  redis.call('PUBLISH', channel, string.format('%.0f', revision) .. ' ' .. what .. ' ' .. name)
  return string.format('%.0f', revision)
end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
local function versionOf(stored)
  return string.match(stored, '^([^:]*):')
end
local function put(channel, key, value, nonce)
  local stored = changed(channel, 's', key) .. '.' .. nonce .. ':' .. value
  redis.call('HSET', state, key, stored)
  redis.call('ZADD', keys, 0, key)
  return stored
end
`;

/** (channel, key, value, nonce) -> [1, stored] or [0, what stands]. The nonce keeps a version from coming twice, even when a failover lost writes. */
export const CREATE = `${PRELUDE}
local stands = redis.call('HGET', state, ARGV[2])
if stands then return {0, stands} end
return {1, put(ARGV[1], ARGV[2], ARGV[3], ARGV[4])}`;

/** (channel, key, value, nonce, version) -> stored, or nil. */
export const COMPARE_AND_SET = `${PRELUDE}
local stands = redis.call('HGET', state, ARGV[2])
if not stands or versionOf(stands) ~= ARGV[5] then return false end
return put(ARGV[1], ARGV[2], ARGV[3], ARGV[4])`;

/** (channel, key, version) -> 1 or 0 */
export const COMPARE_AND_DELETE = `${PRELUDE}
local stands = redis.call('HGET', state, ARGV[2])
if not stands or versionOf(stands) ~= ARGV[3] then return 0 end
redis.call('HDEL', state, ARGV[2])
redis.call('ZREM', keys, ARGV[2])
changed(ARGV[1], 's', ARGV[2])
return 1`;

/** (prefix) -> key, stored, key, stored, ... in key order */
export const LIST = `${PRELUDE}
local low, high = '[' .. ARGV[1], '(' .. ARGV[1] .. '\\255'
local found, answer = redis.call('ZRANGEBYLEX', keys, low, high), {}
for from = 1, #found, 1000 do
  local part = {unpack(found, from, math.min(from + 999, #found))}
  local stored = redis.call('HMGET', state, unpack(part))
  for i, key in ipairs(part) do
    answer[#answer + 1] = key
    answer[#answer + 1] = stored[i]
  end
end
return answer`;

/** (channel, id, lease in ms, record) -> 1 */
export const REGISTER = `${PRELUDE}
redis.call('HSET', instances, ARGV[2], ARGV[3] .. ':' .. ARGV[4])
redis.call('ZADD', leases, now() + ARGV[3], ARGV[2])
changed(ARGV[1], 'p', ARGV[2])
return 1`;

/** (id) -> 1, or 0 when its lease has run out */
export const RENEW = `${PRELUDE}
local ends, stored = redis.call('ZSCORE', leases, ARGV[1]), redis.call('HGET', instances, ARGV[1])
local time = now()
if not ends or not stored or tonumber(ends) <= time then return 0 end
redis.call('ZADD', leases, time + versionOf(stored), ARGV[1])
return 1`;

/** (channel, id) -> 1 or 0 */
export const DEREGISTER = `${PRELUDE}
redis.call('ZREM', leases, ARGV[2])
local was = redis.call('HDEL', instances, ARGV[2])
if was == 1 then changed(ARGV[1], 'l', ARGV[2]) end
return was`;

/**
 * (channel, nonce) -> [revision before, the directory's own mark, ms until the next lease ends or -1]. Takes
 * out those whose leases are over. The mark is another one after the data was lost.
 */
export const SWEEP = `${PRELUDE}
local before = redis.call('HGET', meta, 'revision') or '0'
redis.call('HSETNX', meta, 'mark', ARGV[2])
local time = now()
for _, id in ipairs(redis.call('ZRANGEBYSCORE', leases, '-inf', time, 'LIMIT', 0, 1000)) do
  redis.call('ZREM', leases, id)
  redis.call('HDEL', instances, id)
  changed(ARGV[1], 'x', id)
end
local first = redis.call('ZRANGE', leases, 0, 0, 'WITHSCORES')
local rest = -1
if first[2] then rest = math.max(0, tonumber(first[2]) - time) end
return {before, redis.call('HGET', meta, 'mark'), rest}`;
