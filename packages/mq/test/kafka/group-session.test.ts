import { Deferred } from '@colorway/core/background';
import type { ClusterLike } from '../../src/kafka/client-types.js';
import { GroupSession } from '../../src/kafka/consumer/group-session.js';

/** A session whose client has handed over its cluster. */
function sessionOn(cluster: object): GroupSession {
  const session = new GroupSession('GID_order', { answerMs: 50 });
  const [make] = session.assigners();
  make?.({ cluster: cluster as ClusterLike, groupId: 'GID_order', logger: undefined } as never);
  return session;
}

/** It has an assignment, and knows its generation. */
function inGeneration(generation: number, session: GroupSession): GroupSession {
  const heard = new Map<string, (event: { payload: object }) => void>();
  const names = [
    'GROUP_JOIN',
    'HEARTBEAT',
    'COMMIT_OFFSETS',
    'END_BATCH_PROCESS',
    'STOP',
    'CRASH',
    'DISCONNECT',
  ];
  session.watch({
    events: Object.fromEntries(names.map((name) => [name, name])),
    on: (name: string, listener: (event: { payload: object }) => void) => heard.set(name, listener),
  } as never);
  session.join('member');
  heard.get('HEARTBEAT')?.({ payload: { groupGenerationId: generation } });
  expect(session.generation).toBe(generation);
  return session;
}

const never = new Promise<never>(() => {});

describe('a broker that does not answer', () => {
  it.each([
    ['who is the coordinator', { findGroupCoordinator: () => never }],
    ['the coordinator itself', { findGroupCoordinator: async () => ({ topicId: () => never }) }],
  ])('ends the question which topic it is: %s', async (_, cluster) => {
    await expect(sessionOn(cluster).topicId('orders')).rejects.toMatchObject({
      code: 'COLORWAY_BROKER_SILENT',
      message: expect.stringContaining('which topic this is, for group "GID_order"'),
    });
  });

  it('ends a commit without a batch, which counts as not taken', async () => {
    const session = inGeneration(
      3,
      sessionOn({ findGroupCoordinator: async () => ({ offsetCommit: () => never }) }),
    );
    expect(await session.commit('orders', 0, 5n)).toBeUndefined();
    expect(session.refusal).toMatchObject({ code: 'COLORWAY_BROKER_SILENT' });
  });

  it('a commit that was given up is not sent when the coordinator is known at last', async () => {
    const sent: string[] = [];
    const coordinator = {
      offsetCommit: async ({ topics }: { topics: { partitions: { offset: string }[] }[] }) =>
        void sent.push(...topics.flatMap(({ partitions }) => partitions.map(({ offset }) => offset))),
    };
    const first = new Deferred<typeof coordinator>();
    let asked = 0;
    const session = inGeneration(
      3,
      sessionOn({
        findGroupCoordinator: () => (asked++ === 0 ? first.promise : Promise.resolve(coordinator)),
      }),
    );
    expect(await session.commit('orders', 0, 5n)).toBeUndefined();
    expect(await session.commit('orders', 0, 9n)).toEqual({ generation: 3, position: 9n });
    first.resolve(coordinator);
    await new Promise(setImmediate);
    expect(sent).toEqual(['9']);
  });
});
