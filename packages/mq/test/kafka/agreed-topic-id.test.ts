import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { GroupSession } from '../../src/kafka/consumer/group-session.js';
import { roundRobin } from '../../src/kafka/consumer/round-robin.js';
import type { GroupAdmin } from '../../src/kafka/group-admin.js';
import { HandoverReconciler } from '../../src/kafka/handover/handover-reconciler.js';
import { runtimeOf } from '../../src/kafka/mq-runtime.js';
import { activate, join } from '../../src/ownership/handover-state.js';
import { pause, until } from './shop.js';

const id = (digit: string): string => digit.repeat(32);
const BEFORE = id('1');
const NOW = id('2');
const LATER = id('3');

/** A MetadataResponse of version 12 for one topic, from the tags of its header on. */
function metadataResponse(topicId: string, brokers: readonly number[], error = 0): Buffer {
  const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
  const int32 = (value: number): Buffer => Buffer.from([0, 0, value >> 8, value & 0xff]);
  const string = (text: string): Buffer => Buffer.concat([Buffer.from([text.length + 1]), Buffer.from(text)]);
  const nothing = Buffer.from([0]);
  return Buffer.concat([
    ...[nothing, int32(0), Buffer.from([brokers.length + 1])],
    ...brokers.flatMap((node) => [int32(node), string('host'), int32(9092), nothing, nothing]),
    ...[string('cluster'), int32(brokers[0] ?? 0), Buffer.from([2])],
    ...[int16(error), string('orders'), Buffer.from(topicId, 'hex'), nothing, Buffer.from([1]), nothing],
  ]);
}

/** Brokers, each with what it has heard of the topic; `'away'` for one that cannot be reached. The first is the coordinator. */
function clusterOf(heard: Record<number, string | 'away'>) {
  let asked = 0;
  const nodes = Object.keys(heard).map(Number);
  const broker = (nodeId: number) => ({
    versions: { 3: { maxVersion: 12 } },
    connectionPool: {
      send: async ({ response }: { response: { parse(payload: Buffer): Promise<unknown> } }) => {
        asked++;
        const topicId = heard[nodeId] ?? 'away';
        if (topicId === 'away') throw new Error('connection refused');
        return response.parse(metadataResponse(topicId, nodes));
      },
    },
  });
  const cluster = {
    findTopicPartitionMetadata: () => [],
    findGroupCoordinator: async () => broker(nodes[0] ?? 0),
    findBroker: async ({ nodeId }: { nodeId: number }) => broker(nodeId),
  };
  const session = new GroupSession('GID_order');
  session.assigners([roundRobin])[0]?.({ cluster, groupId: 'GID_order', logger: {} } as never);
  return { session, asked: () => asked };
}

describe('the id of a topic, where brokers hear of it one after the other', () => {
  test('one that is known, or that nobody has anything to lose by, is one question', async () => {
    const { session, asked } = clusterOf({ 1: NOW, 2: BEFORE });
    expect(await session.topicId('orders')).toBe(NOW);
    expect(await session.topicId('orders', new Set([NOW]))).toBe(NOW);
    expect(asked()).toBe(2);
  });

  test.each<[string, Record<number, string>, string | undefined]>([
    ['all tell the new one', { 1: NOW, 2: NOW, 3: NOW }, NOW],
    ['one is away', { 1: NOW, 2: 'away', 3: NOW }, NOW],
    ['one does not know the topic', { 1: NOW, 2: id('0'), 3: NOW }, NOW],
    ['the coordinator does not know the topic', { 1: id('0'), 2: NOW }, undefined],
  ])('another one counts where %s', async (_name, heard, expected) => {
    const { session } = clusterOf(heard);
    expect(await session.topicId('orders', new Set([BEFORE]))).toBe(expected);
  });

  test('while they tell different ones, nobody knows', async () => {
    const heard = { 1: BEFORE, 2: NOW };
    const { session } = clusterOf(heard);
    await expect(session.topicId('orders', new Set([NOW]))).rejects.toThrow('not all brokers tell the same');
  });

  test('a broker that is behind ends no epoch of a color; a topic that was made again does', async () => {
    const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
    const heard: Record<number, string> = { 1: BEFORE, 2: NOW };
    const { session } = clusterOf(heard);
    const coloring = createColoring({ service: 'stock', color: '', directory: memoryDirectory() });
    const runtime = runtimeOf(coloring);
    const { handover, release } = runtime.useHandover('GID_order', 'orders');
    const ends = async () => new Map([[0, 9n]]);
    const admin = {
      ...{
        ends,
        logs: async () => new Map([[0, { low: 0n, high: 9n }]]),
        starts: async () => new Map([[0, 0n]]),
      },
      ...{
        committed: async () => new Map(),
        hasMembers: async () => false,
        withoutMembers: async () => new Set(),
      },
      beginAgain: async () => {},
    } as unknown as GroupAdmin;
    const scope = coloring.scope.child('test');
    const told = (): number =>
      warned.mock.calls.filter((call) => JSON.stringify(call).includes('COLORWAY_TOPIC_MADE_ANEW')).length;
    const state = () => handover.table.colors.get('red')?.handover;
    try {
      const { epoch } = (await handover.transition('red', (standing, now) => join(standing, now, NOW))).state;
      await handover.createFence('red', epoch, 'join', 0, 7n);
      await handover.transition('red', (standing) => activate(standing, epoch));
      let asked = 0;
      const reconciler = new HandoverReconciler({
        ...{ scope, runtime, handover, admin, fromBeginning: true },
        logId: (known) => {
          asked++;
          return session.topicId('orders', known);
        },
      });
      reconciler.start();
      await until('it has asked again', () => asked > 2);
      await pause(50);
      expect([state(), told()]).toEqual([expect.objectContaining({ kind: 'active', epoch, log: NOW }), 0]);
      Object.assign(heard, { 1: LATER, 2: LATER });
      await until('the color has begun again', () => state()?.kind === 'active' && told() > 0);
      expect([state(), told()]).toEqual([expect.objectContaining({ log: LATER }), 1]);
    } finally {
      await scope.dispose();
      release();
      await coloring.close();
      warned.mockRestore();
    }
  }, 30_000);
});
