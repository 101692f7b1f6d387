import { memoryBroker } from '@colorway/mq/memory';
import { memoryDirectory } from '@colorway/registry/memory';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { describeWithServers } from '../../../../test/services/jest/describe-with-servers.mjs';
import { handoverState, pause, type Running, Shop, until } from './shop.js';

/** Where commits are the application's, nobody else makes them: whatever a color does, a crash loses nothing. */
function commitsAreTheApplications(makeShop: () => Shop): void {
  let shop: Shop;
  beforeEach(() => {
    shop = makeShop();
  });
  afterEach(() => shop.close(), 60_000);

  const redGroup = () => `GID_red_${shop.group.slice(4)}`;
  const committed = async (group = shop.group): Promise<Record<number, string>> => {
    const [found] = await shop.admin((admin) => admin.fetchOffsets({ groupId: group, topics: [shop.topic] }));
    return Object.fromEntries((found?.partitions ?? []).map(({ partition, offset }) => [partition, offset]));
  };
  const state = ({ coloring }: Running): string => handoverState(coloring);
  const byHand = (by: string, commit?: (offset: string, partition: number) => Promise<void>) => ({
    autoCommit: false,
    eachMessage: async ({
      partition,
      message,
    }: {
      partition: number;
      message: { offset: string; value: Buffer | null };
    }) => {
      shop.note(by, partition, message);
      await commit?.((BigInt(message.offset) + 1n).toString(), partition);
    },
  });
  /** What a crash would do: nothing more is committed. */
  const crash = ({ stop }: Running) => stop();
  const start = (by: string, color?: string) =>
    shop.start(by, { ...(color !== undefined && { color }), run: byHand(by) });

  test('a color that joins does not commit what the baseline has in hand', async () => {
    await shop.createTopic();
    const ids = [...(await shop.send(5)), ...(await shop.send(5, 'red'))];
    const base = await start('baseline');
    await until('all is handled', () => shop.handled.length === 10);
    await shop.start('red', { color: 'red' });
    await until('red is active', () => state(base) === 'active');
    expect(['0', '-1']).toContain((await committed())[0] ?? '-1');
    const later = await shop.send(3, 'red');
    await until('red handles', () => shop.ids('red').length === 3);
    await crash(base);
    await start('again');
    await until('all that was in hand comes again', () => shop.ids('again').length === 10);
    await pause(300);
    expect(shop.ids('again')).toEqual(ids);
    expect(shop.ids('red')).toEqual(later);
  }, 60_000);

  test('what the application had committed stays, however colors join and leave', async () => {
    await shop.createTopic();
    const ids = await shop.send(10);
    const base = await start('baseline');
    await until('all is handled', () => shop.handled.length === 10);
    await base.consumer.commitOffsets([{ topic: shop.topic, partition: 0, offset: '4' }]);
    await shop.start('red', { color: 'red' });
    await until('red is active', () => state(base) === 'active');
    expect((await committed())[0]).toBe('4');
    const red = await shop.send(2, 'red');
    await until('red handles', () => shop.ids('red').length === 2);
    await shop.coloring().environments.delete('red');
    await until('red is gone', () => state(base) === 'absent');
    expect((await committed())[0]).toBe('4');
    await crash(base);
    await start('again');
    await until('the rest comes again', () => shop.ids('again').length >= 6);
    await pause(300);
    // Those of red were handled and committed by red: they are not the baseline's.
    expect(shop.ids('again')).toEqual(ids.slice(4));
    expect(shop.ids('red')).toEqual(red);
  }, 60_000);

  test('a color that leaves waits for the commit of what it handled, and says so', async () => {
    await shop.createTopic();
    const base = await start('baseline');
    const red = await start('red', 'red');
    await until('red is active', () => state(base) === 'active');
    const ids = await shop.send(5, 'red');
    await until('red handles', () => shop.ids('red').length === 5);
    const ending = shop.coloring().environments.delete('red');
    const waiting = () => red.coloring.mq.status().consumers[0]?.partitions[0]?.waiting;
    await until('it waits', () => waiting()?.for === 'application-commit');
    expect(waiting()?.remedy).toContain('Commit their offsets');
    expect((await committed(redGroup()))[0]).toBe('0');
    await red.consumer.commitOffsets([{ topic: shop.topic, partition: 0, offset: '5' }]);
    await ending;
    await pause(300);
    expect(shop.faults(ids)).toEqual([]);
    expect(shop.ids('red')).toEqual(ids);
  }, 60_000);

  test('what a color did not commit before it crashed is drained, and committed in its group', async () => {
    await shop.createTopic();
    const consumers: { baseline?: Consumer } = {};
    const late: (() => Promise<void>)[] = [];
    const commit = async (offset: string, partition: number): Promise<void> => {
      if (offset === '1') return; // The baseline's own message stays open.
      const offsets = [{ topic: shop.topic, partition, offset }];
      // Every second one long after its handler, where nothing tells for whom it ran.
      if (late.length % 2 === 0) await consumers.baseline?.commitOffsets(offsets);
      late.push(async () => consumers.baseline?.commitOffsets(offsets));
    };
    const base = await shop.start('baseline', { run: byHand('baseline', commit) });
    consumers.baseline = base.consumer;
    const red = await start('red', 'red');
    await until('red is active', () => state(base) === 'active');
    const ids = [...(await shop.send(1)), ...(await shop.send(5, 'red'))];
    await until('red handles', () => shop.ids('red').length === 5);
    await until('the baseline too', () => shop.ids('baseline').length === 1);
    await crash(red);
    const ending = shop.coloring().environments.delete('red');
    await until('they are drained', () => shop.ids('baseline').length === 6);
    expect(shop.ids('baseline')).toEqual(ids);
    for (const one of late) await one();
    await ending;
    expect(state(base)).toBe('absent');
    expect(['0', '-1']).toContain((await committed())[0] ?? '-1');
    await crash(base);
    await start('again');
    await until('the baseline’s own comes again', () => shop.ids('again').length >= 1);
    expect(shop.ids('again')).toEqual(ids.slice(0, 1));
  }, 60_000);

  test('a discard gives up what was not committed', async () => {
    await shop.createTopic();
    const base = await start('baseline');
    const red = await start('red', 'red');
    await until('red is active', () => state(base) === 'active');
    await shop.send(5, 'red');
    await until('red handles', () => shop.ids('red').length === 5);
    await shop.coloring().environments.delete('red', { onLeave: 'discard' });
    await until('red is gone', () => state(base) === 'absent');
    await crash(red);
    await pause(300);
    expect(shop.handled).toHaveLength(5);
  }, 60_000);

  test('batches that are resolved in part, and throw: what was not resolved comes again after a join', async () => {
    await shop.createTopic();
    const ids = await shop.send(10);
    let fails = true;
    const base = await shop.start('baseline', {
      run: {
        eachBatchAutoResolve: false,
        eachBatch: async ({ batch, resolveOffset }: EachBatchPayload) => {
          for (const message of batch.messages) {
            if (fails && message.offset === '4') throw new Error('not now');
            shop.note('baseline', batch.partition, message);
            resolveOffset(message.offset);
          }
        },
      },
      config: { retry: { retries: 1_000, initialRetryTime: 50, maxRetryTime: 100 } },
    });
    await until('four are handled', () => shop.handled.length >= 4);
    await shop.start('red', { color: 'red' });
    await until('red is active', () => state(base) === 'active', 30_000);
    expect((await committed())[0]).toBe('4');
    fails = false;
    await until('all is handled', () => shop.handled.length >= 10);
    expect(shop.faults(ids)).toEqual([]);
  }, 90_000);

  test('with a threshold or an interval, what handlers have handled may be committed earlier, and nothing else', async () => {
    await shop.createTopic();
    let open = (): void => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    await shop.send(10);
    const base = await shop.start('baseline', {
      run: {
        autoCommitThreshold: 1_000,
        autoCommitInterval: 60_000,
        eachMessage: async ({ partition, message }) => {
          if (message.offset === '7') await gate;
          shop.note('baseline', partition, message);
        },
      },
    });
    await until('seven are handled', () => shop.handled.length === 7);
    const red = shop.start('red', { color: 'red' });
    await pause(1_000);
    expect(Number((await committed())[0] ?? -1)).toBeLessThanOrEqual(7);
    open();
    await red;
    await until('red is active', () => state(base) === 'active');
    await until('all is handled', () => shop.handled.length === 10);
  }, 60_000);
}

describe('commits of an application, on the memory broker', () => {
  commitsAreTheApplications(() => {
    const broker = memoryBroker();
    return new Shop([], memoryDirectory(), () => broker as unknown as Kafka);
  });
});

describeWithServers(['kafka'], 'commits of an application, on Kafka', (servers) => {
  commitsAreTheApplications(() => new Shop(servers.kafka.brokers));
});
