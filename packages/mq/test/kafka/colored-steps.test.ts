import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { commitsOf } from '../../src/kafka/commits/application-commits.js';
import type { GroupSession } from '../../src/kafka/consumer/group-session.js';
import { runtimeOf } from '../../src/kafka/mq-runtime.js';
import { ColoredSteps } from '../../src/kafka/partitions/colored-steps.js';
import { HeldPartition } from '../../src/kafka/partitions/held-partition.js';
import { join, leave } from '../../src/ownership/handover-state.js';

test('a colored consumer that leaves takes nothing more before it commits where it stopped', async () => {
  const coloring = createColoring({ service: 'stock', color: 'red', directory: memoryDirectory() });
  const { handover, release } = runtimeOf(coloring).useHandover('GID_order', 'orders');
  const done: string[] = [];
  const session = {
    generation: 3,
    commit: async (_topic: string, _partition: number, position: bigint) => {
      done.push(`commit ${position}`);
      return { generation: 3, position };
    },
  } as unknown as GroupSession;
  const held = new HeldPartition(handover, 0);
  const steps = new ColoredSteps({
    color: 'red',
    session,
    commits: commitsOf(coloring),
    byHand: false,
    later: () => {},
    committedOf: async () => 4n,
    logStartOf: async () => 0n,
    close: (_held, why) => void done.push(`close ${why}`),
    open: () => void done.push('open'),
    closeAtFirst: () => {},
    seek: () => {},
    decided: () => {},
  });
  try {
    const { epoch } = (await handover.transition('red', join)).state;
    await handover.createFence('red', epoch, 'join', 0, 2n);
    await steps.advance(held);
    expect(done.splice(0)).toEqual(['open']);
    held.position = 7n;
    await handover.transition('red', (standing) => leave(standing, epoch, 'drain'));
    await steps.advance(held);
    expect(done).toEqual(['close leave-fence', 'commit 7', 'close leave-fence']);
    expect(handover.table.colors.get('red')?.partitions.get(0)?.epochs.at(-1)?.stop).toBe(7n);
    // Behind the leave fence nothing is its own, and the reader is told to stop there.
    await handover.createFence('red', epoch, 'leave', 0, 9n);
    await steps.advance(held);
    expect(held.until).toBe(9n);
    expect(steps.verdict(held, 'red', '8')).toBe('own');
    expect(steps.verdict(held, 'red', '9')).toBe('stop');
    expect(steps.verdict(held, undefined, '9')).toBe('stop');
  } finally {
    release();
    await coloring.close();
  }
});
