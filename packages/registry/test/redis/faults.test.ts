import { createServer } from 'node:net';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { TcpProxy } from '../../../../test/support/tcp-proxy.js';
import { cleanUp } from '../support/clean-up.js';
import { pause, until } from '../support/wait.js';
import { instance, newPrefix, redisCommand, redisOn, watchInstances, watchState } from './support.js';

const FAILED = { code: 'COLORWAY_DIRECTORY_FAILED' };
const LONG_LEASE_MS = 60_000;

jest.setTimeout(120_000);

async function proxyTo(url: string): Promise<TcpProxy> {
  const proxy = await TcpProxy.open(url);
  cleanUp(() => proxy.close());
  return proxy;
}

describeWithServers(
  ['redis'],
  'A Redis that is killed',
  (servers) => {
    test('keeps what it confirmed, tells watches of the outage, and of what changed after it', async () => {
      const prefix = newPrefix();
      const { url } = servers.redis;
      const [one, two] = [redisOn({ url, prefix }), redisOn({ url, prefix })];
      const { entry } = await one.state.create('env/a', '1');
      await one.instances.register(instance('a'), LONG_LEASE_MS);
      const [instances, state] = [watchInstances(two.instances), watchState(two.state, 'env/')];
      await until('both', () => instances.byId.size === 1 && state.values.size === 1);

      await servers.redis.kill();
      await until('the outage', () => instances.errors.length > 0 && state.errors.length > 0, 30_000);
      await expect(one.state.get('env/a')).rejects.toMatchObject(FAILED);
      expect([...instances.byId.keys()]).toEqual(['a']);
      expect([...state.values]).toEqual([['env/a', '1']]);

      await servers.redis.restart();
      const currents = instances.currents;
      await until('it is back', () => instances.currents > currents, 30_000);
      expect(await one.state.get('env/a')).toEqual(entry);
      await one.instances.renew('a');
      await one.state.compareAndSet('env/a', '2', entry.version);
      await one.instances.deregister('a');
      await until('the changes', () => state.values.get('env/a') === '2' && instances.byId.size === 0);
      expect([...instances.broken, ...state.broken]).toEqual([]);
    });

    test('for longer than all leases: the living stay in the view and register again, the dead go', async () => {
      const prefix = newPrefix();
      const { url } = servers.redis;
      const [registrant, reader] = [redisOn({ url, prefix }), redisOn({ url, prefix, graceMs: 2_000 })];
      for (const id of ['living', 'dead']) await registrant.instances.register(instance(id), 1_000);
      const told = watchInstances(reader.instances);
      await until('both', () => told.byId.size === 2);
      await servers.redis.kill();
      await until('the outage', () => told.errors.length > 0, 30_000);
      await pause(1_500);

      await servers.redis.restart();
      const currents = told.currents;
      await until('it is back', () => told.currents > currents, 30_000);
      expect([...told.byId.keys()].sort()).toEqual(['dead', 'living']);
      await expect(registrant.instances.renew('living')).rejects.toMatchObject({
        code: 'COLORWAY_LEASE_LOST',
      });
      await registrant.instances.register(instance('living', { port: 3002 }), LONG_LEASE_MS);
      await until('the dead one gone', () => !told.byId.has('dead'), 30_000);
      expect(told.byId.get('living')?.port).toBe(3002);
    });
  },
  { own: true },
);

describeWithServers(['redis'], 'A Redis behind a bad network', (servers) => {
  test('slow, 2 s an answer: everything works', async () => {
    const proxy = await proxyTo(servers.redis.url);
    const directory = redisOn({ url: proxy.url, prefix: newPrefix(), timeoutMs: 10_000 });
    proxy.delay(2_000);
    const told = watchState(directory.state, '');
    const { entry } = await directory.state.create('k', '1');
    await directory.state.compareAndSet('k', '2', entry.version);
    await until('the value', () => told.values.get('k') === '2', 60_000);
    await until('current', () => told.currents > 0, 60_000);
    expect(told.errors).toEqual([]);
  });

  test('that drops everything: calls fail in time, the last view stays, and it heals', async () => {
    const prefix = newPrefix();
    const proxy = await proxyTo(servers.redis.url);
    const far = redisOn({ url: proxy.url, prefix });
    const near = redisOn({ url: servers.redis.url, prefix });
    await near.state.create('k', '1');
    await near.instances.register(instance('a'), LONG_LEASE_MS);
    const [state, instances] = [watchState(far.state, ''), watchInstances(far.instances)];
    await until('both', () => state.values.size === 1 && instances.byId.size === 1);
    await far.state.get('k');

    proxy.swallow();
    await expect(far.state.get('k')).rejects.toMatchObject(FAILED);
    await until('the outage', () => state.errors.length > 0, 30_000);
    await near.state.create('l', '2');
    await near.instances.deregister('a');
    await near.instances.register(instance('b'), LONG_LEASE_MS);
    expect([[...state.values], [...instances.byId.keys()]]).toEqual([[['k', '1']], ['a']]);

    proxy.breakOff();
    proxy.heal();
    await until('l', () => state.values.get('l') === '2', 30_000);
    await until('b', () => instances.byId.has('b'), 30_000);
    expect((await far.state.get('l'))?.value).toBe('2');
  });

  test('the second of two addresses serves while the first hangs', async () => {
    const proxy = await proxyTo(servers.redis.url);
    proxy.swallow();
    const directory = redisOn({ url: [proxy.url, servers.redis.url], prefix: newPrefix(), timeoutMs: 500 });
    expect((await directory.state.create('k', 'v')).created).toBe(true);
  });

  test('a message that is missed is noticed', async () => {
    const prefix = newPrefix();
    const directory = redisOn({ url: servers.redis.url, prefix });
    const told = watchState(directory.state, '');
    await until('the first snapshot', () => told.hasSnapshot);
    await directory.state.create('a', '1');
    await until('a', () => told.values.has('a'));
    // A change as the scripts make it, of which nobody is told.
    await redisCommand(servers.redis.url, 'HSET', `{${prefix}}:state`, 'b', '2.x:2');
    await redisCommand(servers.redis.url, 'ZADD', `{${prefix}}:state-keys`, '0', 'b');
    await redisCommand(servers.redis.url, 'HINCRBY', `{${prefix}}:meta`, 'revision', '1');
    await until('b', () => told.values.get('b') === '2');
    expect(told.errors).toEqual([]);
  });

  test('all data lost while it runs: instances have their grace, state is gone at once, and versions do not come back', async () => {
    const prefix = newPrefix();
    const directory = redisOn({ url: servers.redis.url, prefix, graceMs: 1_500 });
    const { entry } = await directory.state.create('k', 'v');
    await directory.instances.register(instance('living'), LONG_LEASE_MS);
    await directory.instances.register(instance('dead'), LONG_LEASE_MS);
    const [state, instances] = [watchState(directory.state, ''), watchInstances(directory.instances)];
    await until('all', () => state.values.size === 1 && instances.byId.size === 2);

    const seen = instances.currents + 1;
    const keys = ['state', 'state-keys', 'instances', 'leases', 'meta'].map((name) => `{${prefix}}:${name}`);
    await redisCommand(servers.redis.url, 'DEL', ...keys);
    // The first write after the loss, as the lost one was the first.
    const again = await directory.state.create('k', 'v');
    expect(again.entry.version).not.toBe(entry.version);
    expect(await directory.state.compareAndSet('k', 'w', entry.version)).toBeUndefined();
    await until('the loss', () => instances.currents > seen);
    expect([...instances.byId.keys()].sort()).toEqual(['dead', 'living']);
    await expect(directory.instances.renew('living')).rejects.toMatchObject({ code: 'COLORWAY_LEASE_LOST' });
    await directory.instances.register(instance('living'), LONG_LEASE_MS);
    await until('the dead one gone', () => !instances.byId.has('dead'));
    expect(instances.byId.has('living')).toBe(true);
  });
});

test('a server that speaks something else is an error that names it', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', () => socket.write('HTTP/1.1 500 Internal Server Error\r\n\r\n<html>'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp(() => server.close());
  const { port } = server.address() as { port: number };
  const directory = redisOn({ url: `redis://127.0.0.1:${port}` });
  const told = watchInstances(directory.instances);
  await expect(directory.state.get('k')).rejects.toMatchObject({
    ...FAILED,
    message: expect.stringContaining(`127.0.0.1:${port}`),
  });
  await until('the watch told', () => told.errors.length > 0);
  expect(told.hasSnapshot).toBe(false);
});
