import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { redisReplayStore } from '@colorway/registry/redis';
import { startService } from '../../../../test/services/index.mjs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { freePorts } from '../../../../test/services/ports.mjs';
import { cleanUp, temporaryFolder } from '../support/clean-up.js';
import { until } from '../support/wait.js';
import { instance, redisOn, watchInstances, watchState } from './support.js';

jest.setTimeout(60_000);

/** What docs/registries.md tells to grant. */
const RIGHTS = [
  '~{colorway}:*',
  '&{colorway}:*',
  ...[
    'hello',
    'ping',
    'role',
    'eval',
    'subscribe',
    'unsubscribe',
    'hget',
    'hset',
    'hsetnx',
    'hdel',
    'hvals',
    'hmget',
    'hincrby',
  ],
  ...['zadd', 'zrem', 'zscore', 'zrange', 'zrangebylex', 'zrangebyscore', 'publish', 'time', 'wait'],
].map((right) => (/^[~&]/.test(right) ? right : `+${right}`));

async function ownRedis(settings: Record<string, string>) {
  const redis = await startService('redis', { own: true, settings });
  cleanUp(() => redis.stop());
  return redis;
}

/** A certificate authority that nobody knows, and a certificate of it for 127.0.0.1. */
async function certificates() {
  const folder = await temporaryFolder();
  const at = (name: string) => join(folder, name);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    at('ca.key'),
    '-out',
    at('ca.crt'),
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
  );
  openssl('req', ...newKey, '-keyout', at('server.key'), '-out', at('server.csr'), '-subj', '/CN=redis');
  writeFileSync(at('names'), 'subjectAltName=IP:127.0.0.1');
  const signed = ['-CA', at('ca.crt'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('names')];
  openssl('x509', '-req', '-in', at('server.csr'), ...signed, '-out', at('server.crt'), '-days', '2');
  return { ca: at('ca.crt'), cert: at('server.crt'), key: at('server.key') };
}

describeWithServers(['redis'], 'Access to Redis', () => {
  test('by a password for all', async () => {
    const { url } = await ownRedis({ requirepass: 'secret' });
    await redisOn({ url, password: 'secret' }).state.create('k', 'v');
    expect((await redisOn({ url: url.replace('//', '//:secret@') }).state.get('k'))?.value).toBe('v');
    const refused = redisOn({ url, password: 'wrong' }).state.get('k');
    await expect(refused).rejects.toMatchObject({
      code: 'COLORWAY_DIRECTORY_FAILED',
      message: expect.stringContaining('Check username and password'),
    });
    await expect(refused).rejects.not.toMatchObject({ message: expect.stringContaining('wrong') });
    await expect(redisOn({ url }).state.get('k')).rejects.toMatchObject({
      message: expect.stringContaining('username and password'),
    });
  });

  test('by an ACL user with the rights that the docs list', async () => {
    const { url } = await ownRedis({ user: `colorway on >secret ${RIGHTS.join(' ')}` });
    const directory = redisOn({ url, username: 'colorway', password: 'secret' });
    const [instances, state] = [watchInstances(directory.instances), watchState(directory.state, '')];
    const { entry } = await directory.state.create('k', '1');
    const written = await directory.state.compareAndSet('k', '2', entry.version);
    await directory.instances.register(instance('a'), 400);
    await directory.instances.renew('a');
    await until('both', () => instances.byId.size === 1 && state.values.get('k') === '2');
    await until('it expired', () => instances.byId.size === 0);
    expect(await directory.state.list('')).toEqual([written]);
    await directory.state.compareAndDelete('k', written?.version ?? '');
    await directory.instances.deregister('a');
    await until('k gone', () => state.values.size === 0);
    const elsewhere = redisOn({ url, username: 'colorway', password: 'secret', prefix: 'others' });
    await expect(elsewhere.state.get('k')).rejects.toMatchObject({
      message: expect.stringContaining('docs/registries.md'),
    });
    expect([...instances.errors, ...state.errors]).toEqual([]);
  });

  test('of a store of signatures, by an ACL user with the rights that the docs list', async () => {
    const rights = ['~{colorway}:replay:*', '+hello', '+role', '+set'];
    const { url } = await ownRedis({ user: `replay on >secret ${rights.join(' ')}` });
    const options = { url, username: 'replay', password: 'secret', timeoutMs: 20_000 };
    const store = redisReplayStore(options);
    cleanUp(() => store.close());
    const ends = Date.now() + 60_000;
    expect([await store.isNew('a', ends, 0), await store.isNew('a', ends, 0)]).toEqual([true, false]);
    await expect(redisOn(options).state.create('k', 'v')).rejects.toMatchObject({
      message: expect.stringContaining('docs/registries.md'),
    });
    const open = redisReplayStore({ ...options, password: 'none' });
    cleanUp(() => open.close());
    await expect(open.isNew('a', ends, 0)).rejects.toMatchObject({ code: 'COLORWAY_DIRECTORY_FAILED' });
  });

  test('over TLS, with an authority of its own', async () => {
    const { ca, cert, key } = await certificates();
    const [port = 0] = await freePorts([0]);
    await ownRedis({
      'tls-port': `${port}`,
      'tls-ca-cert-file': ca,
      'tls-cert-file': cert,
      'tls-key-file': key,
      'tls-auth-clients': 'no',
    });
    const url = `rediss://127.0.0.1:${port}`;
    const directory = redisOn({ url, tls: { ca: readFileSync(ca) } });
    const told = watchState(directory.state, '');
    await directory.state.create('k', 'v');
    await until('k', () => told.values.get('k') === 'v');
    await expect(redisOn({ url }).state.get('k')).rejects.toMatchObject({
      code: 'COLORWAY_DIRECTORY_FAILED',
    });
  });
});
