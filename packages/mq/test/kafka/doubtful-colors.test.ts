import { ColorwayError, type StateStore } from '@colorway/core';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { runtimeOf } from '../../src/kafka/mq-runtime.js';
import { encodeHandover } from '../../src/ownership/handover-codec.js';
import { stateKey } from '../../src/ownership/handover-keys.js';

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

it('several colors that a watch tells of, and a directory that refuses to answer: each is asked for once', async () => {
  const directory = memoryDirectory();
  const { state } = directory;
  let observer: Parameters<StateStore['watch']>[1] | undefined;
  let refuses = false;
  let refused = 0;
  const failing: StateStore = {
    get: state.get.bind(state),
    create: state.create.bind(state),
    compareAndSet: state.compareAndSet.bind(state),
    compareAndDelete: state.compareAndDelete.bind(state),
    list: async (prefix) => {
      if (!refuses) return state.list(prefix);
      const ticks = 20 * ++refused;
      if (refused > 100) await new Promise(() => {}); // So that the test ends, and does not hang.
      // One answer after the other, not all at once.
      for (let tick = 0; tick < ticks; tick++) await undefined;
      throw new ColorwayError('COLORWAY_DIRECTORY_FAILED', 'not now');
    },
    watch: (prefix, told) => {
      if (prefix.startsWith('mq/')) observer = told;
      return state.watch(prefix, told);
    },
  };
  const coloring = createColoring({
    service: 'stock',
    color: '',
    directory: { ...directory, state: failing },
  });
  const { handover, release } = runtimeOf(coloring).useHandover('GID_order', 'orders');
  try {
    await handover.refresh();
    refuses = true;
    const put = ['red', 'blue', 'green'].map((color) => ({
      key: stateKey(handover.prefix, color),
      value: encodeHandover({ kind: 'joining', epoch: 5, since: 5 }, { group: 'GID_order', topic: 'orders' }),
      version: '1',
    }));
    observer?.next({ kind: 'delta', put, removed: [] });
    await turns(50);
    expect(refused).toBe(3);
    // What fails is asked for again by whoever needs it.
    refuses = false;
    await handover.refresh();
    expect(handover.table.colors.size).toBe(0);
  } finally {
    release();
    await coloring.close();
  }
});
