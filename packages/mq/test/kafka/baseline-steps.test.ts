import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { commitsOf } from '../../src/kafka/commits/application-commits.js';
import type { GroupSession } from '../../src/kafka/consumer/group-session.js';
import { runtimeOf } from '../../src/kafka/mq-runtime.js';
import { BaselineSteps } from '../../src/kafka/partitions/baseline-steps.js';
import { HeldPartition } from '../../src/kafka/partitions/held-partition.js';
import { NotNow } from '../../src/kafka/partitions/partition-steps.js';
import { join } from '../../src/ownership/handover-state.js';

test('a topic that is another one each time it is looked at is asked for three times in one go', async () => {
  const coloring = createColoring({ service: 'stock', color: '', directory: memoryDirectory() });
  const { handover, release } = runtimeOf(coloring).useHandover('GID_order', 'orders');
  let looks = 0;
  const commit = jest.fn();
  const steps = new BaselineSteps({
    session: { generation: 3, commit } as unknown as GroupSession,
    commits: commitsOf(coloring),
    byHand: false,
    startOf: async () => 0n,
    endOf: async () => 9n,
    checkLog: async () => `log-${++looks}`,
    refreshed: () => {},
    decided: () => {},
  });
  const held = new HeldPartition(handover, 0);
  held.isOf('log-0');
  held.position = 4n;
  try {
    await handover.transition('red', (state) => join(state, 1, 'log-red'));
    await expect(steps.advance(held, 'red')).rejects.toThrow(NotNow);
    expect(looks).toBe(3);
    expect(commit).not.toHaveBeenCalled();
  } finally {
    release();
    await coloring.close();
  }
});
