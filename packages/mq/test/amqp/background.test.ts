import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { StateStore } from '@colorway/core';
import { runningTasks } from '@colorway/core/background';
import { keepConnected, withdrawQueue } from '@colorway/mq/amqp';
import { memoryDirectory } from '@colorway/registry/memory';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { cleanUp, instance, pause, unique, until, warningsOfEach } from './rabbit.js';

jest.setTimeout(120_000);
const warned = warningsOfEach();

const LIVES = process.env.COLORWAY_LIVES ?? '8';

/** Runs a child; what it told, and how long it lived on after that. */
async function run(
  file: string,
  ...args: readonly string[]
): Promise<{ readonly left: unknown; readonly endedMs: number }> {
  const loader = pathToFileURL(join(__dirname, '../../../registry/test/support/typescript.mjs')).href;
  const child = spawn(process.execPath, ['--import', loader, join(__dirname, file), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  cleanUp(() => child.kill('SIGKILL'));
  const exit = once(child, 'exit');
  let text = '';
  child.stdout.on('data', (data: Buffer) => {
    text += data;
  });
  await until(() => text.includes('\n') || child.exitCode !== null, 110_000);
  const toldAt = performance.now();
  await Promise.race([exit, pause(5_000)]);
  return { left: JSON.parse(text || 'null'), endedMs: performance.now() - toldAt };
}

describeWithServers(['rabbitmq'], 'amqp, background work', (servers) => {
  test.each(['routing', 'filter'])(
    '%s: closed in every order, nothing goes on, and the process ends by itself',
    async (mode) => {
      const { left, endedMs } = await run('background.child.ts', servers.rabbitmq.url, mode);
      expect(left).toEqual([]);
      expect(endedMs).toBeLessThan(4_900);
    },
  );

  test.each(['routing', 'filter'])(
    '%s: closed at random moments, nothing goes on and nothing is handled after coloring.close()',
    async (mode) => {
      const seed = process.env.COLORWAY_SEED ?? String(Date.now() % 1_000_000);
      const { left, endedMs } = await run('moments.child.ts', servers.rabbitmq.url, mode, seed, LIVES);
      expect(left).toEqual([]);
      expect(endedMs).toBeLessThan(4_900);
    },
  );

  /** A filter baseline that consumes, and a directory that answers as `how` says. */
  async function filter() {
    const directory = memoryDirectory();
    cleanUp(() => directory.close());
    const whole = directory.state as StateStore;
    const how: { list: 'answers' | 'fails' | 'hangs'; asked: number; under: number } = {
      ...{ list: 'answers', asked: 0, under: 0 },
    };
    const list: StateStore['list'] = async (prefix) => {
      if (!prefix.startsWith('mq-filter/')) return whole.list(prefix);
      how.asked++;
      if (how.list === 'hangs') {
        how.under++;
        return await new Promise(() => {});
      }
      if (how.list === 'fails') throw new Error('the directory is away');
      return await whole.list(prefix);
    };
    const state: StateStore = { ...bound(whole), list };
    const queue = unique('orders');
    const base = await instance(servers.rabbitmq.url, undefined, {
      ...{ mode: 'filter', state, graceMs: 400, directory },
    });
    await base.channel.assertExchange(`${queue}.shop`, 'fanout', { autoDelete: true });
    await base.channel.assertQueue(queue);
    await base.channel.bindQueue(queue, `${queue}.shop`, '');
    await base.channel.consume(queue, (message) => message && base.channel.ack(message));
    return { ...base, directory, state, queue, how };
  }

  test('filter: spans that cannot be read are told once, and once when they can be again', async () => {
    const { how } = await filter();
    how.list = 'fails';
    const told = () => warned().mock.calls.filter(([text]) => String(text).includes('spans')).length;
    await until(() => told() === 1);
    const { asked } = how;
    await until(() => how.asked > asked + 2);
    expect(told()).toBe(1);
    how.list = 'answers';
    await until(() => told() === 2);
  });

  test('filter: a directory that does not answer is asked one thing at a time, and holds up no closing', async () => {
    const { how, coloring, channel } = await filter();
    how.list = 'hangs';
    await until(() => how.under > 0);
    await pause(1_000);
    expect(how.under).toBe(1);
    const before = performance.now();
    await coloring.close();
    await channel.close();
    expect(performance.now() - before).toBeLessThan(2_000);
    expect(runningTasks()).toEqual([]);
  });

  test('filter: a broker that does not answer ends a discard with a reason', async () => {
    const { state, directory, queue } = await filter();
    const hangs = { consume: false };
    const connectionOf: { open?: () => Promise<object> } = {};
    const red = await instance(servers.rabbitmq.url, 'a', {
      ...{ mode: 'filter', state, graceMs: 50, directory },
      openChannel: async () => {
        const opened = (await connectionOf.open?.()) as { consume: unknown };
        if (hangs.consume) opened.consume = () => new Promise(() => {});
        return opened as never;
      },
    });
    connectionOf.open = () => red.connection.createChannel();
    await red.channel.assertQueue(queue);
    await red.channel.bindQueue(queue, `${queue}.shop`, '');
    expect(await red.channel.get(queue)).toBe(false);
    hangs.consume = true;
    await expect(withdrawQueue(red.channel, queue, { onLeave: 'discard' })).rejects.toMatchObject({
      code: 'COLORWAY_BROKER_SILENT',
    });
  });

  test('keepConnected: its trying is a task until it is closed, also while it connects', async () => {
    const { connection } = await instance(servers.rabbitmq.url);
    let tries = 0;
    let answer = (): void => {};
    const connect = async () => {
      tries++;
      if (tries > 1) await new Promise<void>((resolve) => (answer = resolve));
      return connection;
    };
    const kept = await keepConnected(connect, () => {}, { initialDelayMs: 10, onError: () => {} });
    await connection.close();
    await until(() => tries === 2);
    expect(runningTasks()).toEqual(['keepConnected > connecting again']);
    await kept.close();
    expect(runningTasks()).toEqual([]);
    answer();
  });
});

/** Its methods, each with its own `this`. */
function bound(state: StateStore): StateStore {
  return {
    get: (key) => state.get(key),
    list: (prefix) => state.list(prefix),
    create: (key, value) => state.create(key, value),
    compareAndSet: (key, value, version) => state.compareAndSet(key, value, version),
    compareAndDelete: (key, version) => state.compareAndDelete(key, version),
    watch: (prefix, observer) => state.watch(prefix, observer),
  };
}
