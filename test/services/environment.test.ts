import { ServiceError, startService } from './index.mjs';
import { describeWithServers } from './jest/describe-with-servers.mjs';

afterEach(() => {
  delete process.env.REDIS_URL;
});

describeWithServers(
  ['redis'],
  'a server that the environment names',
  (servers) => {
    test('is used, is not ended by stop, and refuses to be killed', async () => {
      process.env.REDIS_URL = servers.redis.url;
      const redis = await startService('redis');
      expect(redis).toMatchObject({ url: servers.redis.url, version: servers.redis.version, pid: undefined });
      for (const attempt of [
        () => redis.kill(),
        () => redis.restart(),
        async () => redis.pause(),
        async () => redis.resume(),
      ]) {
        await expect(attempt()).rejects.toMatchObject({
          code: 'SERVICE_NOT_OURS',
          message: expect.stringContaining('REDIS_URL names it'),
        });
      }
      await redis.stop();
      expect((await startService('redis')).url).toBe(servers.redis.url);
    });

    test('is passed over by who needs one of its own', async () => {
      process.env.REDIS_URL = servers.redis.url;
      const redis = await startService('redis', { own: true });
      expect(redis.url).not.toBe(servers.redis.url);
      await redis.stop();
    });

    test('that does not answer is an error with its name', async () => {
      process.env.REDIS_URL = 'redis://127.0.0.1:1';
      await expect(startService('redis', { deadlineMs: 100 })).rejects.toMatchObject({
        code: 'SERVICE_NOT_READY',
        message: expect.stringMatching(/REDIS_URL=redis:\/\/127\.0\.0\.1:1 names.*ECONNREFUSED/),
      });
    });
  },
  { own: true },
);

test('an unknown name is refused with those that are known', async () => {
  const starting = startService('kafak' as 'kafka');
  await expect(starting).rejects.toBeInstanceOf(ServiceError);
  await expect(starting).rejects.toMatchObject({
    code: 'SERVICE_UNKNOWN',
    message: expect.stringContaining('kafka, rabbitmq'),
  });
});
