import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { startChild } from '../support/child.js';
import { until } from '../support/wait.js';
import { instance, newPrefix, redisOn, watchInstances } from './support.js';

jest.setTimeout(120_000);

describeWithServers(['redis'], 'Processes that share a Redis', (servers) => {
  test('one that is paused loses its lease, is called by nobody, and registers again when it wakes', async () => {
    const { url } = servers.redis;
    const prefix = newPrefix();
    const told = watchInstances(redisOn({ url, prefix }).instances);
    const child = startChild('registerOn', url, 'redis', prefix, '3001', '1500');
    await until('it is registered', () => told.byId.size === 1, 30_000);
    child.kill('SIGSTOP');
    await until('its lease is over', () => told.byId.size === 0, 30_000);
    child.kill('SIGCONT');
    await until('it is back', () => told.byId.size === 1, 30_000);
    expect(told.errors).toEqual([]);
  });

  test('one that is killed goes with its lease, also when only those watch who came later', async () => {
    const { url } = servers.redis;
    const prefix = newPrefix();
    const child = startChild('registerOn', url, 'redis', prefix, '3001', '1500');
    await until('it is registered', () => child.lines.length === 1, 30_000);
    child.kill('SIGKILL');
    const told = watchInstances(redisOn({ url, prefix }).instances);
    await until('the snapshot', () => told.hasSnapshot, 30_000);
    await until('it is gone', () => told.byId.size === 0, 30_000);
  });

  test('two that register one id: the later record stands, and it goes with either', async () => {
    const options = { url: servers.redis.url, prefix: newPrefix() };
    const [one, two] = [redisOn(options), redisOn(options)];
    const told = watchInstances(redisOn(options).instances);
    await one.instances.register(instance('a', { port: 3001 }), 60_000);
    await two.instances.register(instance('a', { port: 3002 }), 60_000);
    await one.instances.renew('a');
    await until('the later', () => told.byId.get('a')?.port === 3002);
    await one.instances.deregister('a');
    await until('it is gone', () => told.byId.size === 0);
    await expect(two.instances.renew('a')).rejects.toMatchObject({ code: 'COLORWAY_LEASE_LOST' });
  });

  test('a process with nothing else to do ends, though it watches', async () => {
    const child = startChild('glance', servers.redis.url, 'redis', newPrefix());
    expect(await child.exited).toBe(0);
    expect(child.lines.join()).toContain('is not in the directory');
  });

  test('what is closed says so', async () => {
    const directory = redisOn({ url: servers.redis.url, prefix: newPrefix() });
    const told = watchInstances(directory.instances);
    await directory.state.get('k');
    await directory.close();
    await directory.close();
    const closed = { code: 'COLORWAY_CLOSED' };
    await expect(directory.state.get('k')).rejects.toMatchObject(closed);
    expect(() => directory.instances.watch(told)).toThrow(expect.objectContaining(closed));
  });
});
