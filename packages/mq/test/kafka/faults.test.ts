import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { coloredKafka, leaveGroup } from '@colorway/mq/kafka';
import { createColoring } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { type MemoryDirectory, memoryDirectory } from '@colorway/registry/memory';
import { type ConsumerRunConfig, type PartitionAssigner, PartitionAssigners } from 'kafkajs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { pause, type Running, Shop, until } from './shop.js';

/** An assigner of the user's whose cluster holds back commits while the gate is shut. */
function gate() {
  let open: () => void = () => {};
  let shut: Promise<void> | undefined;
  const held = { commits: 0 };
  const assigner: PartitionAssigner = (config) => {
    const cluster = config.cluster as unknown as {
      findGroupCoordinator(group: {
        groupId: string;
      }): Promise<{ offsetCommit(request: unknown): Promise<unknown> }>;
    };
    const find = cluster.findGroupCoordinator.bind(cluster);
    cluster.findGroupCoordinator = async (group) => {
      const coordinator = await find(group);
      const offsetCommit = async (request: unknown): Promise<unknown> => {
        if (shut !== undefined) held.commits++;
        await shut;
        return coordinator.offsetCommit(request);
      };
      return Object.assign(Object.create(coordinator) as typeof coordinator, { offsetCommit });
    };
    return PartitionAssigners.roundRobin(config);
  };
  return {
    assigner,
    held,
    shut: () => {
      shut = new Promise((resolve) => {
        open = resolve;
      });
    },
    open: () => {
      shut = undefined;
      open();
    },
  };
}

describeWithServers(['kafka'], 'hand-over when things go wrong', (servers) => {
  let shop: Shop;
  let directory: MemoryDirectory;
  beforeEach(() => {
    directory = memoryDirectory();
    shop = new Shop(servers.kafka.brokers, directory);
  });
  afterEach(() => shop.close(), 60_000);

  const committed = async (partition: number): Promise<string | undefined> => {
    const [found] = await shop.admin((admin) =>
      admin.fetchOffsets({ groupId: shop.group, topics: [shop.topic] }),
    );
    return found?.partitions.find((one) => one.partition === partition)?.offset;
  };
  const fences = ({ coloring }: Running): Record<number, string | undefined> =>
    Object.fromEntries(
      (coloring.mq.status().handovers[0]?.fences ?? []).map(({ partition, join: at }) => [partition, at]),
    );

  test('a rebalance between position and commit: the old commit proves nothing and moves nothing', async () => {
    await shop.createTopic(2);
    const held = gate();
    const config = { rebalanceTimeout: 4_000, sessionTimeout: 6_000, heartbeatInterval: 300 };
    const one = await shop.start('base 1', { config: { ...config, partitionAssigners: [held.assigner] } });
    const ids = [
      ...(await shop.send(4, undefined, { partition: 0 })),
      ...(await shop.send(4, undefined, { partition: 1 })),
    ];
    await until('all is committed', async () => (await committed(0)) === '4' && (await committed(1)) === '4');
    held.shut();
    const red = await shop.start('red', { color: 'red' });
    await until('the position is read, the commit on its way', () => held.held.commits > 0);
    expect(fences(one)).toEqual({});
    const two = await shop.start('base 2', { config });
    await until(
      'one partition is the other one’s',
      () => two.coloring.mq.status().consumers[0]?.partitions.length === 1,
    );
    const { partition = -1 } = two.coloring.mq.status().consumers[0]?.partitions[0] ?? {};
    ids.push(...(await shop.send(6, undefined, { partition })));
    await until('it goes on', async () => (await committed(partition)) === '10');
    held.open();
    await until('active', () => red.coloring.mq.status().handovers[0]?.state === 'active');
    await pause(300);
    expect(await committed(partition)).toBe('10');
    ids.push(...(await shop.send(8, 'red')));
    await until('all is handled', () => shop.handled.length >= ids.length);
    await pause(200);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('red')).toHaveLength(8);
  }, 60_000);

  test('a stop during the commit: no fence is made of it, and the color makes its own when the group is empty', async () => {
    await shop.createTopic(1);
    const held = gate();
    const one = await shop.start('base 1', {
      config: { partitionAssigners: [held.assigner], heartbeatInterval: 300 },
    });
    const ids = [...(await shop.send(4)), ...(await shop.send(3, 'red'))];
    await until('all is committed', async () => (await committed(0)) === '7');
    held.shut();
    const red = await shop.start('red', { color: 'red' });
    await until('the commit is on its way', () => held.held.commits > 0);
    await one.consumer.stop();
    held.open();
    await until('active', () => red.coloring.mq.status().handovers[0]?.state === 'active');
    expect(fences(red)).toEqual({ 0: '7' });
    ids.push(...(await shop.send(3, 'red')));
    await until('red has them', () => shop.ids('red').length === 3);
    await shop.start('base 2');
    await pause(1_000);
    expect(shop.faults(ids)).toEqual([]);
  }, 60_000);

  test('the directory is away when partitions are assigned: colored messages wait and say so, the others go on', async () => {
    await shop.createTopic(2);
    const config = { rebalanceTimeout: 3_000, heartbeatInterval: 300 };
    const base = await shop.start('base 1', { config });
    const red = await shop.start('red', { color: 'red' });
    await until('active', () => red.coloring.mq.status().handovers[0]?.state === 'active');
    const two = await shop.start('base 2', { config });
    await until('both hold one', () => two.coloring.mq.status().consumers[0]?.partitions.length === 1);
    directory.disconnect();
    await two.stop();
    await until('it holds both', () => base.coloring.mq.status().consumers[0]?.partitions.length === 2);
    const ids = await shop.send(20);
    await until('uncolored ones go on', () => shop.handled.length === 20);
    ids.push(...(await shop.send(20, 'blue')), ...(await shop.send(20, 'red')));
    const waits = (): string[] =>
      (base.coloring.mq.status().consumers[0]?.partitions ?? []).flatMap(({ waiting }) => waiting?.for ?? []);
    await until('it waits', () => waits().length === 2);
    expect(waits()).toEqual(['view-not-refreshed', 'view-not-refreshed']);
    expect(shop.ids('base 1').filter((id) => id.startsWith('blue'))).toEqual([]);
    directory.reconnect();
    await until('all is handled', () => shop.handled.length >= 60);
    await pause(300);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('red')).toHaveLength(20);
  }, 60_000);

  test('a consumer does not start before the directory has answered', async () => {
    await shop.createTopic(1);
    directory.disconnect();
    const coloring = createColoring({ service: 'stock', color: '', directory, directoryTimeoutMs: 300 });
    const consumer = coloredKafka(coloring, shop.client()).consumer({ groupId: shop.group });
    await consumer.connect();
    shop.onClose(() => consumer.disconnect());
    await consumer.subscribe({ topic: shop.topic, fromBeginning: true });
    await shop.send(1);
    const run: ConsumerRunConfig = {
      eachMessage: async ({ partition, message }) => shop.note('base', partition, message),
    };
    await expect(consumer.run(run)).rejects.toMatchObject({ code: 'COLORWAY_DIRECTORY_UNANSWERED' });
    directory.reconnect();
    await consumer.run(run);
    await until('it is handled', () => shop.handled.length === 1);
    await coloring.close();
  }, 60_000);

  describe('with processes', () => {
    let folder: string;
    const children: ChildProcess[] = [];
    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'colorway-kafka-'));
      shop = new Shop(servers.kafka.brokers, fileDirectory({ folder }));
    });
    afterEach(async () => {
      for (const child of children.splice(0)) child.kill('SIGKILL');
      await shop.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    }, 60_000);

    function startRed(): ChildProcess {
      const loader = pathToFileURL(join(__dirname, '../../../registry/test/support/typescript.mjs')).href;
      const script = join(__dirname, 'red.child.ts');
      const args = [shop.brokers.join(), folder, shop.topic, shop.group];
      const child = spawn(process.execPath, ['--import', loader, script, ...args], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let rest = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        const lines = (rest + text).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) {
          const told = JSON.parse(line) as { id: string; partition: number; offset: string };
          shop.handled.push({ ...told, by: `red ${child.pid}`, color: 'red', at: performance.now() });
        }
      });
      children.push(child);
      return child;
    }

    test('a killed color’s messages wait for it; it comes back, and nothing is lost or handled by the baseline', async () => {
      await shop.createTopic(2);
      const base = await shop.start('baseline');
      const first = startRed();
      await until('active', () => base.coloring.mq.status().handovers[0]?.state === 'active', 20_000);
      const ids = await shop.send(20, 'red');
      await until('red has them', () => shop.handled.length === 20);
      await pause(1_000);
      first.kill('SIGKILL');
      ids.push(...(await shop.send(20, 'red')), ...(await shop.send(20)));
      await until('the baseline goes on', () => shop.ids('baseline').length === 20);
      await pause(1_500);
      expect(shop.ids('baseline')).toHaveLength(20);
      startRed();
      await until('all is handled', () => shop.handled.length >= 60, 30_000);
      await pause(500);
      expect(shop.faults(ids)).toEqual([]);
    }, 90_000);

    test('a color that is killed and then leaves: the baseline drains what it left', async () => {
      await shop.createTopic(2);
      const base = await shop.start('baseline');
      const red = startRed();
      await until('active', () => base.coloring.mq.status().handovers[0]?.state === 'active', 20_000);
      const ids = await shop.send(20, 'red');
      await until('red has them', () => shop.handled.length === 20);
      await pause(1_000);
      red.kill('SIGKILL');
      ids.push(...(await shop.send(20, 'red')), ...(await shop.send(20)));
      await until('the baseline goes on', () => shop.ids('baseline').length === 20);
      await leaveGroup(shop.coloring(), shop.client(), {
        group: shop.group,
        topics: [shop.topic],
        color: 'red',
        onLeave: 'drain',
      });
      ids.push(...(await shop.send(5, 'red')));
      await until('all is handled', () => shop.handled.length >= 65);
      await pause(500);
      expect(shop.faults(ids)).toEqual([]);
      expect(shop.ids('baseline')).toHaveLength(45);
    }, 90_000);
  });
});
