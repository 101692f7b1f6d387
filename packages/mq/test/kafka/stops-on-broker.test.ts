import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Directory } from '@colorway/core';
import { runningTasks } from '@colorway/core/background';
import { coloredKafka } from '@colorway/mq/kafka';
import { fileDirectory } from '@colorway/registry/file';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { pause, Shop, until } from './shop.js';

function halves({ instances, state }: Directory): Pick<Directory, 'instances' | 'state'> {
  return { instances, ...(state && { state }) };
}

/** The client of a real broker cannot be stopped at every moment; what is wrapped can. */
describeWithServers(['kafka'], 'ends at awkward moments', (servers) => {
  let folder: string;
  let shop: Shop;
  const children: ChildProcess[] = [];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'colorway-stops-'));
    const inner = fileDirectory({ folder });
    // One directory for all colorings here: none of them closes it.
    shop = new Shop(servers.kafka.brokers, { ...halves(inner), close: async () => {} });
    shop.onClose(() => inner.close());
    await shop.createTopic(2);
  });
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    await shop.close();
    await rm(folder, { recursive: true, force: true });
  }, 60_000);

  const membersOf = (group: string): Promise<number> =>
    shop.admin(async (admin) => (await admin.describeGroups([group])).groups[0]?.members.length ?? 0);
  const drainedGroup = (): string => shop.group.replace('GID_', 'GID_red_');

  /** Messages of red that its dead consumer left behind. */
  async function leftBehind(count: number): Promise<string[]> {
    const base = await shop.start('dead base');
    const red = await shop.start('dead red', { color: 'red' });
    await until('red is active', () =>
      base.coloring.mq.status().handovers.some(({ state }) => state === 'active'),
    );
    await red.stop();
    await red.coloring.close();
    const ids = await shop.send(count, 'red');
    await until('the baseline has passed them', () =>
      base.coloring.mq.status().consumers.every(({ skipped }) => skipped === count),
    );
    await base.stop();
    await base.coloring.close();
    return ids;
  }

  function startMember(delayMs: number, last?: number): { child: ChildProcess; lines: string[] } {
    const loader = pathToFileURL(join(__dirname, '../../../registry/test/support/typescript.mjs')).href;
    const script = join(__dirname, 'member.child.ts');
    const args = [shop.brokers.join(), folder, shop.topic, shop.group, String(delayMs)];
    if (last !== undefined) args.push(String(last));
    const child = spawn(process.execPath, ['--import', loader, script, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines: string[] = [];
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
    });
    children.push(child);
    return { child, lines };
  }

  test.each([0, 30, 150, 600])(
    'a stop %i ms after the start: no message is handled after it, and no member is left',
    async (ms) => {
      const before = runningTasks();
      const coloring = shop.coloring();
      const consumer = coloredKafka(coloring, shop.client()).consumer({ groupId: shop.group });
      await consumer.connect();
      await consumer.subscribe({ topics: [shop.topic], fromBeginning: true });
      let handled = 0;
      const running = consumer.run({ eachMessage: async () => void handled++ });
      await pause(ms);
      await consumer.stop();
      await running;
      await shop.send(4);
      const { length } = [...Array(handled)];
      await pause(500);
      expect(handled).toBe(length);
      expect(await membersOf(shop.group)).toBe(0);
      await consumer.disconnect();
      await coloring.close();
      // The directory is the test's, and looks at its folder now and then.
      const others = runningTasks().filter((task) => !task.startsWith('file directory'));
      expect(others.filter((task) => !before.includes(task))).toEqual([]);
    },
    60_000,
  );

  test('a close during a drain, and a close during that close: no handler runs afterwards, another drains the rest', async () => {
    const ids = await leftBehind(30);
    const base = await shop.start('base', { delayMs: 50 });
    const tool = shop.coloring();
    await tool.environments.withdraw('stock', 'red', { wait: false });
    await until('it drains', () => shop.ids('base').length > 2, 30_000);
    await Promise.all([base.coloring.close(), base.coloring.close(), base.stop()]);
    const { length } = shop.ids('base');
    await pause(500);
    expect(shop.ids('base')).toHaveLength(length);
    expect(await membersOf(drainedGroup())).toBe(0);
    await shop.start('other');
    await tool.environments.withdraw('stock', 'red');
    expect(shop.faults(ids).filter((fault) => !fault.startsWith('in color'))).toEqual([]);
  }, 90_000);

  test('kill -9 of who drains: another process drains on from what was committed, and each message is handled once', async () => {
    const ids = await leftBehind(30);
    const first = startMember(0, 7);
    // Everything that it printed is here then.
    const exit = once(first.child, 'close');
    await until('it runs', () => first.lines.includes('ready'), 30_000);
    const tool = shop.coloring();
    await tool.environments.withdraw('stock', 'red', { wait: false });
    expect(await exit).toEqual([null, 'SIGKILL']);
    const drained = first.lines.filter((line) => line !== 'ready');
    expect(drained).toHaveLength(7);
    // The broker takes the dead one for a member until its session ends: nobody else drains before.
    await shop.start('other');
    await tool.environments.withdraw('stock', 'red');
    expect(shop.ids('other')).toHaveLength(ids.length - drained.length);
    expect([...drained, ...shop.ids('other')].sort()).toEqual([...ids].sort());
  }, 180_000);

  test('a process that closes ends by itself within 5 s', async () => {
    const { child, lines } = startMember(0);
    await until('it runs', () => lines.includes('ready'), 30_000);
    const ids = await shop.send(4);
    await until('it has handled them', () => lines.length === ids.length + 1);
    const exit = once(child, 'exit');
    const began = performance.now();
    child.kill('SIGTERM');
    const [code] = (await exit) as [number | null];
    expect(code).toBe(0);
    expect(performance.now() - began).toBeLessThan(5_000);
  }, 60_000);
});
