import { Deferred } from '@colorway/core/background';
import type { AdminClient } from '../../src/kafka/client-types.js';
import { GroupAdmin } from '../../src/kafka/group-admin.js';

const never = new Promise<never>(() => {});

interface Client {
  readonly connect?: () => Promise<void>;
  readonly disconnect?: () => Promise<void>;
  readonly deleteGroups?: () => Promise<void>;
}

/** Each client in its turn; how often each was asked and ended. */
function setUp(...clients: readonly Client[]) {
  const calls: string[] = [];
  let made = 0;
  const create = (): AdminClient => {
    const at = made++;
    const { connect, disconnect, deleteGroups } = clients[at] ?? {};
    const called = async (name: string, does?: () => Promise<void>): Promise<void> => {
      calls.push(`${name} ${at}`);
      await does?.();
    };
    return {
      connect: () => connect?.() ?? Promise.resolve(),
      disconnect: () => called('disconnect', disconnect),
      deleteGroups: () => called('deleteGroups', deleteGroups),
      listTopics: async () => ['orders'],
    } as unknown as AdminClient;
  };
  return { admin: new GroupAdmin(create, { answerMs: 50 }), calls };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('a connection that does not end', () => {
  it('holds up neither an answer nor who gives it back', async () => {
    const { admin, calls } = setUp({ disconnect: () => never }, { disconnect: () => never });
    expect(await admin.topics()).toEqual(['orders']);
    const release = admin.use();
    expect(await admin.topics()).toEqual(['orders']);
    await release();
    expect(calls).toEqual(['disconnect 0', 'disconnect 1']);
  });

  it('nor does one that is never made', async () => {
    const { admin } = setUp({ connect: () => never });
    const release = admin.use();
    const asking = expect(admin.topics()).rejects.toMatchObject({ code: 'COLORWAY_BROKER_SILENT' });
    await release();
    await asking;
  });
});

describe('a connection that is made late', () => {
  it('is ended, and what was given up is not asked any more', async () => {
    const connected = new Deferred();
    const { admin, calls } = setUp({ connect: () => connected.promise });
    const release = admin.use();
    await expect(admin.deleteGroup('GID_order-red')).rejects.toMatchObject({
      code: 'COLORWAY_BROKER_SILENT',
    });
    connected.resolve();
    await turn();
    expect(calls).toEqual(['disconnect 0']);
    await release();
  });

  it('and fails then: the one that was made instead is kept, and ended', async () => {
    const connected = new Deferred();
    const { admin, calls } = setUp({ connect: () => connected.promise });
    const release = admin.use();
    await expect(admin.topics()).rejects.toMatchObject({ code: 'COLORWAY_BROKER_SILENT' });
    expect(await admin.topics()).toEqual(['orders']);
    connected.reject(new Error('refused'));
    await turn();
    await release();
    expect(calls).toEqual(['disconnect 1']);
  });
});
