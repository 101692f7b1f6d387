import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StateStore } from '@colorway/core';
import { Environments } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp, cleanUpAll, connect, instance, unique, until } from './rabbit.js';

jest.setTimeout(120_000);
beforeEach(() => {
  jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
});
afterEach(async () => {
  await cleanUpAll();
  jest.restoreAllMocks();
}, 30_000);

/* A sender declares the queue that it sends to, and consumes nothing; then it is killed, and its environment ends. */
describeWithServers(['rabbitmq'], 'amqp, a queue that a killed process declared', (servers) => {
  async function world() {
    const folder = mkdtempSync(join(tmpdir(), 'declared-'));
    cleanUp(() => rmSync(folder, { recursive: true, force: true }));
    const directory = fileDirectory({ folder });
    cleanUp(() => directory.close());
    const environments = new Environments(directory.state as StateStore);
    const queue = unique('orders');
    await environments.ensure('red', { owner: 'test' });
    const declareAndDie = async (): Promise<void> => {
      const loader = pathToFileURL(join(__dirname, '../../../registry/test/support/typescript.mjs')).href;
      const args = [
        '--import',
        loader,
        join(__dirname, 'declared.child.ts'),
        servers.rabbitmq.url,
        folder,
        queue,
        'red',
      ];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      cleanUp(() => child.kill('SIGKILL'));
      const exit = once(child, 'exit');
      await Promise.race([once(child.stdout, 'data'), exit]);
      child.kill('SIGKILL');
      await exit;
    };
    const isThere = async (): Promise<boolean> => {
      const channel = await (await connect(servers.rabbitmq.url)).createChannel();
      channel.on('error', () => {});
      return channel.checkQueue(`GID_red_${queue}`).then(
        () => true,
        () => false,
      );
    };
    const consume = async (checkTopologyMs = 50) => {
      const base = await instance(servers.rabbitmq.url, undefined, { directory, checkTopologyMs });
      await base.channel.assertQueue(queue);
      await base.channel.consume(queue, (message) => message && base.channel.ack(message));
      return base;
    };
    return { environments, directory, queue, declareAndDie, isThere, consume };
  }

  test('goes by whoever lives in the group, when the environment has ended, and not before', async () => {
    const { environments, directory, declareAndDie, isThere, consume } = await world();
    await consume();
    await declareAndDie();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(await isThere()).toBe(true);
    await environments.delete('red');
    await until(async () => !(await isThere()), 30_000);
    await until(async () => ((await directory.state?.list('mq-declared/')) ?? []).length === 0);
  });

  test('or by the next one that starts', async () => {
    const { environments, declareAndDie, isThere, consume } = await world();
    await declareAndDie();
    await environments.delete('red');
    expect(await isThere()).toBe(true);
    await consume();
    await until(async () => !(await isThere()), 30_000);
  });

  test('messages in it keep it, and a consumer', async () => {
    const { environments, queue, declareAndDie, isThere, consume } = await world();
    const base = await consume();
    await declareAndDie();
    base.raw.sendToQueue(`GID_red_${queue}`, Buffer.from('0'));
    await base.raw.waitForConfirms();
    await environments.delete('red');
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    expect(await isThere()).toBe(true);
    await base.raw.purgeQueue(`GID_red_${queue}`);
    await until(async () => !(await isThere()), 30_000);
  });
});
