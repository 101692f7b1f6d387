import type { HandoverReconciler } from '../../src/kafka/handover/handover-reconciler.js';
import { withdrawTopic } from '../../src/kafka/leaving/withdraw-topic.js';
import type { LeaveWork } from '../../src/leaving/index.js';
import { LOG, type ReadsWorld, setUpReads } from './reads-world.js';

let world: ReadsWorld;
beforeEach(async () => {
  world = await setUpReads();
});
afterEach(() => world.close());

const reconciler = { onProgress: () => () => {}, look: () => {} } as unknown as HandoverReconciler;
const red = () => world.handover.table.colors.get('red')?.handover;

function work(isLeaving: () => boolean, signal = new AbortController().signal): LeaveWork {
  return {
    ...{ color: 'red', onLeave: 'drain', signal, progress: () => {} },
    isLeaving: async () => isLeaving(),
  } as unknown as LeaveWork;
}

test('a leave that the directory held up does not end what the color has joined since', async () => {
  await world.stand('red', { kind: 'active', epoch: 7, since: 7, log: LOG });
  let isLeaving = true;
  const release = world.hold();
  const withdrawn = withdrawTopic(
    world.handover,
    reconciler,
    work(() => isLeaving),
  );
  isLeaving = false;
  await world.stand('red', { kind: 'active', epoch: 9, since: 9, log: LOG });
  release();
  await withdrawn;
  await world.handover.refresh();
  expect(red()).toMatchObject({ kind: 'active', epoch: 9 });
});

test('nor what it joins while it is asked whether it leaves', async () => {
  await world.stand('red', { kind: 'active', epoch: 7, since: 7, log: LOG });
  let asked = 0;
  const joinsMeanwhile = {
    ...work(() => true),
    isLeaving: async () => {
      if (asked++ > 0) return false;
      await world.stand('red', { kind: 'active', epoch: 9, since: 9, log: LOG });
      return true;
    },
  };
  await withdrawTopic(world.handover, reconciler, joinsMeanwhile);
  await world.handover.refresh();
  expect(asked).toBe(2);
  expect(red()).toMatchObject({ kind: 'active', epoch: 9 });
});

test('one that still leaves begins to', async () => {
  await world.stand('red', { kind: 'active', epoch: 7, since: 7, log: LOG });
  const stop = new AbortController();
  const withdrawn = withdrawTopic(
    world.handover,
    reconciler,
    work(() => true, stop.signal),
  );
  await world.known('it leaves', () => red()?.kind === 'leaving');
  stop.abort();
  await expect(withdrawn).rejects.toMatchObject({ code: 'COLORWAY_CLOSED' });
});
