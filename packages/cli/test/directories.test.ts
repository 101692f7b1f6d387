import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Directory } from '@colorway/core';
import { coloredKafka } from '@colorway/mq/kafka';
import { memoryBroker } from '@colorway/mq/memory';
import { composeDirectory, createColoring } from '@colorway/registry';
import { consulDirectory } from '@colorway/registry/consul';
import { etcdDirectory } from '@colorway/registry/etcd';
import { fileDirectory } from '@colorway/registry/file';
import { nacosInstances } from '@colorway/registry/nacos';
import { redisDirectory } from '@colorway/registry/redis';
import { describeWithServers } from '../../../test/services/jest/describe-with-servers.mjs';
import { EXIT } from '../src/index.js';
import { Shell } from './shell.js';

jest.setTimeout(120_000);

const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
}, 60_000);

const host = (url: string): string => new URL(url).host;

/** In a process of its own, which must end by itself: `ended` is false where it had to be killed. */
function runProcess(env: Readonly<Record<string, string>>, ...args: string[]) {
  const loader = pathToFileURL(join(__dirname, '../../registry/test/support/typescript.mjs')).href;
  const argv = ['--import', loader, join(__dirname, 'cli.child.ts'), ...args];
  const options = { env: { ...process.env, ...env }, timeout: 60_000, killSignal: 'SIGKILL' as const };
  return new Promise<{ ended: boolean; status: unknown; out: string; err: string }>((resolve) => {
    execFile(process.execPath, argv, options, (error, out, err) =>
      resolve({ ended: error?.killed !== true, status: error === null ? EXIT.done : error.code, out, err }),
    );
  });
}

/** The life of an environment at the terminal, beside an instance that its own process has registered. */
async function live(directory: Directory, env: Readonly<Record<string, string>>): Promise<void> {
  const shell = new Shell();
  Object.assign(shell.env, env);
  const color = `c-${randomUUID().slice(0, 8)}`;
  const service = `order-${color}`;
  expect(await shell.run('env', 'create', color, '--services', service)).toMatchObject({ status: EXIT.done });
  expect(await shell.run('env', 'status', color)).toMatchObject({ status: EXIT.notReady });

  const coloring = createColoring({ service, color, directory, closing: { noticeMs: 0 } });
  cleanUps.push(() => coloring.close());
  await coloring.register({ port: 3_001 });
  expect(await shell.run('env', 'status', color, '--wait', '--json')).toMatchObject({
    status: EXIT.done,
    documents: [{ color, ready: true, missing: [] }],
  });
  expect((await shell.run('env', 'list')).out).toContain(`${service} (1)`);
  expect(await shell.run('explain', service, '--color', color, '--json')).toMatchObject({
    status: EXIT.done,
    documents: [{ kind: 'colored', instances: [{ port: 3_001, color }] }],
  });
  const listed = await runProcess(shell.env, 'env', 'list');
  expect(listed).toMatchObject({ ended: true, status: EXIT.done, out: expect.stringContaining(color) });

  await coloring.close();
  expect(await shell.run('env', 'delete', color, '--yes', '--json')).toMatchObject({
    status: EXIT.done,
    documents: [{ color, deleted: true, discarded: 0 }],
  });
  expect((await shell.run('env', 'list')).out).not.toContain(color);
}

const TITLE = 'an environment from its making to its end';

describeWithServers(['consul'], 'colorway on Consul', (servers) => {
  test(TITLE, async () => {
    const { url } = servers.consul;
    const prefix = randomUUID();
    await live(consulDirectory({ url, prefix: `${prefix}/` }), {
      COLORWAY_DIRECTORY: `consul://${host(url)}/${prefix}`,
    });
  });
});

describeWithServers(['etcd'], 'colorway on etcd', (servers) => {
  test(TITLE, async () => {
    const { url } = servers.etcd;
    const prefix = randomUUID();
    await live(etcdDirectory({ url, prefix: `${prefix}/` }), {
      COLORWAY_DIRECTORY: `etcd://${host(url)}/${prefix}`,
    });
  });
});

describeWithServers(['redis'], 'colorway on Redis', (servers) => {
  test(TITLE, async () => {
    const { url } = servers.redis;
    const prefix = randomUUID();
    await live(redisDirectory({ url, prefix }), {
      COLORWAY_DIRECTORY: `redis://${host(url)}?prefix=${prefix}`,
    });
  });
});

describeWithServers(['nacos', 'redis'], 'colorway on Nacos and Redis', (servers) => {
  test(TITLE, async () => {
    const [nacos, redis, scope] = [servers.nacos.url, servers.redis.url, randomUUID()];
    const directory = composeDirectory({
      instances: nacosInstances({ url: nacos, namespace: scope }),
      state: redisDirectory({ url: redis, prefix: scope }) as Required<Directory>,
    });
    await live(directory, {
      COLORWAY_DIRECTORY: `nacos://${host(nacos)}?namespace=${scope}`,
      COLORWAY_STATE: `redis://${host(redis)}?prefix=${scope}`,
    });
  });
});

describe('a directory that is away', () => {
  /** A port that nobody listens on. */
  async function closedPort(): Promise<string> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    return `127.0.0.1:${port}`;
  }

  it.each(
    ['consul', 'etcd', 'redis', 'nacos'].flatMap((kind) => [
      [kind, ['env', 'list']],
      [kind, ['env', 'create', 'feat-cart']],
      [kind, ['env', 'status', 'feat-cart']],
      [kind, ['explain', 'order']],
    ]) as [string, string[]][],
  )('%s, %p: fails in time, and names the server', async (kind, command) => {
    const shell = new Shell();
    const address = await closedPort();
    shell.env.COLORWAY_DIRECTORY = `${kind}://${address}`;
    if (kind === 'nacos') shell.env.COLORWAY_STATE = `redis://${address}`;
    const ran = await shell.run(...command, '--timeout', '1s');
    expect(ran).toMatchObject({ status: EXIT.failed, out: '', err: expect.stringContaining(address) });
  });

  it.each(['consul', 'etcd', 'redis', 'nacos'])('%s: the process ends by itself', async (kind) => {
    const address = await closedPort();
    const env = {
      COLORWAY_DIRECTORY: `${kind}://${address}`,
      ...(kind === 'nacos' && { COLORWAY_STATE: `redis://${address}` }),
    };
    const ran = await runProcess(env, 'env', 'list', '--timeout', '1s');
    expect(ran).toMatchObject({ ended: true, status: EXIT.failed, err: expect.stringContaining(address) });
  });
});

describe('env delete, with messages that wait', () => {
  async function world(handleMs: number) {
    const shell = new Shell();
    const broker = memoryBroker();
    cleanUps.push(() => broker.close());
    const address = new URL(shell.env.COLORWAY_DIRECTORY ?? '');
    const instance = async (color: string) => {
      const directory = fileDirectory({ folder: address.pathname });
      const coloring = createColoring({ service: 'stock', color, directory, closing: { noticeMs: 0 } });
      cleanUps.push(() => coloring.close());
      return { coloring, kafka: coloredKafka(coloring, broker) };
    };
    const handled: string[] = [];
    const consume = async (color: string) => {
      const { kafka } = await instance(color);
      const consumer = kafka.consumer({ groupId: 'GID_stock' });
      cleanUps.push(() => consumer.disconnect());
      await consumer.connect();
      await consumer.subscribe({ topic: 'orders', fromBeginning: true });
      await consumer.run({
        eachMessage: async ({ message }) => {
          await new Promise((resolve) => setTimeout(resolve, handleMs));
          handled.push(`${color} ${message.value}`);
        },
      });
    };
    await shell.run('env', 'create', 'feat-cart');
    await consume('');
    await consume('feat-cart');
    const ready = await shell.run('env', 'status', 'feat-cart', '--wait');
    expect(ready.out).toContain('consuming');
    const { kafka } = await instance('feat-cart');
    const producer = kafka.producer();
    cleanUps.push(() => producer.disconnect());
    await producer.connect();
    const messages = Array.from({ length: 30 }, (_, n) => ({ value: `${n}` }));
    await producer.send({ topic: 'orders', messages });
    return { shell, handled };
  }

  it('drains, and shows how much is left', async () => {
    const { shell, handled } = await world(100);
    const { status, out, err } = await shell.run('env', 'delete', 'feat-cart', '--yes');
    expect([status, out]).toEqual([EXIT.done, 'Environment feat-cart has ended.\n']);
    expect(err).toMatch(/stock: GID_stock of orders leaving, \d+ messages remain/);
    expect(new Set(handled).size).toBe(30);
  });

  it('discards, and counts', async () => {
    const { shell, handled } = await world(200);
    const { status, documents } = await shell.run(
      ...['env', 'delete', 'feat-cart', '--on-leave', 'discard', '--yes', '--json'],
    );
    expect(status).toBe(EXIT.done);
    const discarded = Number(documents[0]?.discarded);
    expect(discarded).toBeGreaterThan(0);
    expect(discarded + new Set(handled).size).toBe(30);
  });
});
