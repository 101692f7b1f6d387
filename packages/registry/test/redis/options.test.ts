import { type RedisOptions, redisDirectory } from '@colorway/registry/redis';

const INVALID = expect.objectContaining({ code: 'COLORWAY_INVALID_OPTION' });

describe('redisDirectory refuses', () => {
  test.each<[string, RedisOptions]>([
    ['another protocol', { url: 'http://127.0.0.1:6379' }],
    ['what is no URL', { url: '127.0.0.1:6379' }],
    ['a percent sign that encodes nothing', { url: 'redis://:100%@127.0.0.1:6379' }],
    ['no server at all', { url: [] }],
    ['a database that is no number', { url: 'redis://127.0.0.1/orders' }],
    ['a negative database', { database: -1 }],
    ['an empty prefix', { prefix: '' }],
    ['a Sentinel without a name', { sentinel: { name: '' } }],
    ['no time', { timeoutMs: 0 }],
    ['no replicas to wait for', { wait: { replicas: 0 } }],
  ])('%s', (_what, options) => {
    expect(() => redisDirectory(options)).toThrow(INVALID);
  });

  test('a wrong URL without showing the password in it', () => {
    for (const url of ['http://user:hidden@127.0.0.1', 'redis://user:hidden%@127.0.0.1'])
      expect(() => redisDirectory({ url })).toThrow(
        expect.not.objectContaining({ message: expect.stringContaining('hidden') }),
      );
  });
});
