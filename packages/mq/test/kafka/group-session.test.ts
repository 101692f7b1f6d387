import type { ClusterLike } from '../../src/kafka/client-types.js';
import { GroupSession } from '../../src/kafka/consumer/group-session.js';

/** A session whose client has handed over its cluster. */
function sessionOn(cluster: object): GroupSession {
  const session = new GroupSession('GID_order', { answerMs: 50 });
  const [make] = session.assigners();
  make?.({ cluster: cluster as ClusterLike, groupId: 'GID_order', logger: undefined } as never);
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
      message: expect.stringContaining('which topic it is'),
    });
  });

  it('ends a commit without a batch, which counts as not taken', async () => {
    const session = sessionOn({ findGroupCoordinator: async () => ({ offsetCommit: () => never }) });
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
    heard.get('HEARTBEAT')?.({ payload: { groupGenerationId: 3 } });
    expect(session.generation).toBe(3);
    expect(await session.commit('orders', 0, 5n)).toBeUndefined();
    expect(session.refusal).toMatchObject({ code: 'COLORWAY_BROKER_SILENT' });
  });
});
