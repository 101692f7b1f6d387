import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Directory } from '@colorway/core';
import { coloredKafka } from '@colorway/mq/kafka';
import { memoryBroker } from '@colorway/mq/memory';
import type { ColoringService } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { memoryDirectory } from '@colorway/registry/memory';
import type { Kafka } from 'kafkajs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { type Stage, startCopier } from './copier.js';
import { handoverState, pause, Shop, until, untilThere } from './shop.js';

/** A chain that copies messages in transactions, in the baseline and in red. */
class Chain {
  readonly shop: Shop;
  readonly out: string;
  readonly base: ColoringService;
  readonly copied: string[] = [];

  constructor(shop: Shop) {
    this.shop = shop;
    this.out = `${shop.topic}-out`;
    this.base = shop.coloring();
  }

  get redGroup(): string {
    return `GID_red_${this.shop.group.slice(4)}`;
  }

  async create(partitions = 1): Promise<void> {
    await this.shop.createTopic(partitions);
    await this.shop.createTopic(1, this.out);
  }

  async start(by: string, color = '', at?: (stage: Stage, id: string) => Promise<void> | void) {
    const { shop, out } = this;
    const coloring = color === '' ? this.base : shop.coloring(color);
    if (color !== '') await coloring.environments.ensure(color, { owner: 'test' });
    const copier = await startCopier({
      ...{ coloring, client: shop.client(), group: shop.group, from: shop.topic, to: out },
      onCopy: (id) => this.copied.push(`${by}:${id}`),
      ...(at !== undefined && { at }),
    });
    shop.onClose(copier.stop);
    return { ...copier, coloring };
  }

  state(): string {
    return handoverState(this.base);
  }

  async committed(group: string): Promise<number> {
    const { topic } = this.shop;
    const [found] = await this.shop.admin((admin) => admin.fetchOffsets({ groupId: group, topics: [topic] }));
    return Math.max(0, ...(found?.partitions ?? []).map(({ offset }) => Number(offset)));
  }

  /** Reads the results as a reader of what is committed does, from their beginning. */
  async read(): Promise<{ results: () => string[]; stop: () => Promise<void> }> {
    const results: string[] = [];
    const consumer = this.shop.client().consumer({ groupId: `reader-${this.out}`, maxWaitTimeInMs: 200 });
    await consumer.connect();
    await consumer.subscribe({ topics: [this.out], fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void results.push(String(message.value)) });
    this.shop.onClose(() => consumer.disconnect());
    return { results: () => [...results], stop: () => consumer.disconnect() };
  }

  async allOnce(ids: readonly string[]): Promise<void> {
    const { results } = await this.read();
    await untilThere('all results', () => new Set(results()).size, ids.length, 60_000);
    await pause(500);
    expect(results().sort()).toEqual([...ids].sort());
  }
}

function exactlyOnce(makeShop: () => Shop): void {
  let shop: Shop;
  let chain: Chain;
  beforeEach(() => {
    shop = makeShop();
    chain = new Chain(shop);
  });
  afterEach(() => shop.close(), 60_000);

  test('each side commits the offsets of its own group', async () => {
    await chain.create();
    await chain.start('base');
    const red = await chain.start('red', 'red');
    await until('red is active', () => chain.state() === 'active');
    const ids = [...(await shop.send(3)), ...(await shop.send(4, 'red'))];
    await until('all is copied', () => chain.copied.length === 7);
    await until('red has committed', async () => (await chain.committed(chain.redGroup)) === 7);
    // The baseline passes over what is red's: nothing of its own is open.
    await until('and the baseline', async () => (await chain.committed(shop.group)) === 7);
    await red.stop();
    await chain.start('red again', 'red');
    await chain.allOnce(ids);
    expect(chain.copied).toHaveLength(7);
  }, 60_000);

  test('what comes for the baseline while it is away is not committed by a color', async () => {
    await chain.create();
    const base = await chain.start('base');
    await chain.start('red', 'red');
    await until('red is active', () => chain.state() === 'active');
    await base.stop();
    const ids = [...(await shop.send(5)), ...(await shop.send(5, 'red'))];
    await until('red has committed', async () => (await chain.committed(chain.redGroup)) === 10);
    expect(await chain.committed(shop.group)).toBe(0);
    await chain.start('base again');
    await chain.allOnce(ids);
  }, 60_000);

  test('joins and leaves in between, and transactions that are given up: each result once', async () => {
    await chain.create(3);
    const failed = new Set<string>();
    const flaky = (stage: Stage, id: string): void => {
      // Every fifth message fails once, before or after its offsets were sent.
      const number = Number(id.split('/')[1]);
      if (number % 5 !== 0 || failed.has(id) || stage !== (number % 2 === 0 ? 'sent' : 'offsets')) return;
      failed.add(id);
      throw new Error('not now');
    };
    await chain.start('base', '', flaky);
    const ids: string[] = [];
    const send = async (): Promise<void> => {
      for (let turn = 0; turn < 4; turn++) ids.push(...(await shop.send(5)), ...(await shop.send(5, 'red')));
    };
    for (let epoch = 0; epoch < 2; epoch++) {
      await send();
      const red = await chain.start('red', 'red', flaky);
      await send();
      await until('red is active', () => chain.state() === 'active', 60_000);
      await send();
      await shop.coloring().environments.delete('red');
      await send();
      await until('red is gone', () => chain.state() === 'absent', 60_000);
      await red.stop();
    }
    await send();
    await chain.allOnce(ids);
    expect(failed.size).toBeGreaterThan(5);
  }, 300_000);

  test('a group that nobody here reads is refused, and so is another color’s', async () => {
    await chain.create();
    const red = await chain.start('red', 'red');
    const producer = coloredKafka(red.coloring, shop.client()).producer({
      transactionalId: `other-${shop.topic}`,
    });
    await producer.connect();
    shop.onClose(() => producer.disconnect());
    const transaction = await producer.transaction();
    const topics = [{ topic: shop.topic, partitions: [{ partition: 0, offset: '1' }] }];
    const send = (consumerGroupId: string) => transaction.sendOffsets({ consumerGroupId, topics });
    const refused = (name: string) => ({
      code: 'COLORWAY_GROUP_UNKNOWN',
      message: expect.stringContaining(JSON.stringify(name)),
    });
    await expect(send('GID_unknown')).rejects.toMatchObject(refused('GID_unknown'));
    const blue = `GID_blue_${shop.group.slice(4)}`;
    await expect(send(blue)).rejects.toMatchObject(refused(blue));
    await send(chain.redGroup);
    await transaction.commit();
    expect(await chain.committed(chain.redGroup)).toBe(1);
  }, 60_000);

  test('a commit that the client makes while a transaction is open would win over it', async () => {
    await chain.create();
    await shop.send(3);
    const client = shop.client();
    const producer = client.producer({ transactionalId: `raw-${shop.topic}` });
    const consumer = client.consumer({ groupId: shop.group });
    await Promise.all([producer.connect(), consumer.connect()]);
    shop.onClose(() => Promise.all([producer.disconnect(), consumer.disconnect()]));
    await consumer.subscribe({ topics: [shop.topic], fromBeginning: true });
    let handled = 0;
    await consumer.run({ autoCommit: false, eachMessage: async () => void handled++ });
    await until('all is handled', () => handled === 3);
    const transaction = await producer.transaction();
    const topics = [{ topic: shop.topic, partitions: [{ partition: 0, offset: '3' }] }];
    await transaction.sendOffsets({ consumerGroupId: shop.group, topics });
    await consumer.commitOffsets([{ topic: shop.topic, partition: 0, offset: '1' }]);
    await transaction.commit();
    await pause(300);
    expect(await chain.committed(shop.group)).toBe(1);
  }, 60_000);

  test('a color that joins while a transaction is open takes nothing of it back', async () => {
    await chain.create();
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const base = shop.coloring();
    const kafka = coloredKafka(base, shop.client());
    const producer = kafka.producer({ transactionalId: `late-${shop.topic}` });
    const consumer = kafka.consumer({ groupId: shop.group });
    await Promise.all([producer.connect(), consumer.connect()]);
    shop.onClose(() => Promise.all([producer.disconnect(), consumer.disconnect()]));
    await consumer.subscribe({ topics: [shop.topic], fromBeginning: true });
    let handled = 0;
    await consumer.run({ autoCommit: false, eachMessage: async () => void handled++ });
    await shop.send(3);
    await until('all is handled', () => handled === 3);
    // Outside of any handler, so that nothing keeps the partition from its gap.
    const transaction = await producer.transaction();
    const topics = [{ topic: shop.topic, partitions: [{ partition: 0, offset: '3' }] }];
    await transaction.sendOffsets({ consumerGroupId: shop.group, topics });
    setTimeout(release, 1_500);
    const red = await shop.start('red', { color: 'red' });
    await gate;
    expect(red.coloring.mq.status().handovers[0]?.state).toBe('joining');
    await transaction.commit();
    await until('red is active', () => red.coloring.mq.status().handovers[0]?.state === 'active');
    expect(await chain.committed(shop.group)).toBe(3);
  }, 60_000);
}

describe('exactly-once chains, on the memory broker', () => {
  const broker = () => memoryBroker();
  exactlyOnce(() => {
    const one = broker();
    return new Shop([], memoryDirectory(), () => one as unknown as Kafka);
  });

  test.each<[Stage, string]>([
    ['sent', 'red'],
    ['offsets', 'red'],
    ['committed', 'red'],
    ['offsets', ''],
    ['committed', ''],
  ])(
    'killed when %s (color: "%s"), the others go on: each result once',
    async (stage, color) => {
      const one = broker();
      const shop = new Shop([], memoryDirectory(), () => one as unknown as Kafka);
      const chain = new Chain(shop);
      try {
        await chain.create();
        let victim = '';
        let dead = false;
        const die = async (now: Stage, id: string): Promise<void> => {
          if (now !== stage || id !== victim) return;
          dead = true;
          await (killed.consumer as unknown as { kill(): Promise<void> }).kill();
          await new Promise(() => {});
        };
        if (color !== '') await chain.start('base');
        const killed = await chain.start('killed', color, die);
        if (color === '') await chain.start('red', 'red');
        await until('red is active', () => chain.state() === 'active');
        const red = await shop.send(4, 'red');
        const plain = await shop.send(4);
        victim = (color === '' ? plain : red)[3] ?? '';
        const more = [...(await shop.send(4, 'red')), ...(await shop.send(4))];
        await until('it is dead', () => dead || chain.copied.filter((id) => id.endsWith(victim)).length > 0);
        if (color === 'red') await shop.coloring().environments.delete('red');
        else await chain.start('base again');
        await chain.allOnce([...red, ...plain, ...more]);
      } finally {
        await shop.close();
      }
    },
    60_000,
  );
});

describeWithServers(['kafka'], 'exactly-once chains, on Kafka', (servers) => {
  exactlyOnce(() => new Shop(servers.kafka.brokers));

  const kill = async (
    chain: Chain,
    folder: string,
    color: string,
    stage: Stage,
    id: string,
  ): Promise<void> => {
    const { shop, out } = chain;
    const loader = pathToFileURL(join(__dirname, '../../../registry/test/support/typescript.mjs')).href;
    const args = [shop.brokers.join(), folder, shop.group, shop.topic, out, color, stage, id];
    const child = spawn(process.execPath, ['--import', loader, join(__dirname, 'copier.child.ts'), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    shop.onClose(async () => void child.kill('SIGKILL'));
    const ended = new Promise<string | null>((resolve) =>
      child.on('exit', (_code, signal) => resolve(signal)),
    );
    let printed = '';
    child.stdout.on('data', (data) => {
      printed += String(data);
    });
    await until('it is ready', () => printed.includes('ready\n') || child.exitCode !== null, 30_000);
    chain.copied.push('child ready');
    expect(await ended).toBe('SIGKILL');
  };

  test.each<[Stage, string]>([
    ['sent', 'red'],
    ['offsets', 'red'],
    ['committed', 'red'],
    ['offsets', ''],
  ])(
    'killed when %s (color: "%s"), the others go on: each result once',
    async (stage, color) => {
      const folder = await mkdtemp(join(tmpdir(), 'colorway-chain-'));
      const directory: Directory = fileDirectory({ folder });
      const shop = new Shop(servers.kafka.brokers, directory);
      const chain = new Chain(shop);
      try {
        await chain.create();
        if (color === 'red') {
          await chain.start('base');
          // The victim is the second red message behind the join.
          const ready = () => chain.copied.includes('child ready') && chain.state() === 'active';
          const ids = Array.from({ length: 3 }, (_, at) => `red/victim-${at}`);
          const ended = kill(chain, folder, 'red', stage, 'red/victim-1');
          await until('red is active', ready, 40_000);
          const producer = await shop.producer();
          const messages = ids.map((value) => ({ value, headers: { DMQ_ENV_TAG: 'red' } }));
          await producer.send({ topic: shop.topic, messages });
          const plain = await shop.send(4);
          await ended;
          await shop.coloring().environments.delete('red');
          await chain.allOnce([...ids, ...plain]);
        } else {
          const ids = await shop.send(5);
          const ended = kill(chain, folder, '', stage, ids[2] ?? '');
          await ended;
          await chain.start('red', 'red');
          await chain.start('base again');
          const more = [...(await shop.send(3, 'red')), ...(await shop.send(3))];
          await chain.allOnce([...ids, ...more]);
        }
      } finally {
        await shop.close();
        await rm(folder, { recursive: true, force: true });
      }
    },
    120_000,
  );
});
