import { type Directory, PULSE_LOST_MS, pulseKey } from '@colorway/core';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { leavingOf } from '../../src/leaving/index.js';

const TARGET = { broker: 'kafka', group: 'GID_order', topic: 'orders' } as const;
const KEY = pulseKey({ service: 'order', color: 'feat-cart', ...TARGET });

describe('the heartbeat of a colored consumer', () => {
  let directory: Required<Directory>;
  const closings: (() => Promise<void>)[] = [];
  const consumer = (color: string) => {
    const coloring = createColoring({
      service: 'order',
      color,
      directory: { ...directory, close: async () => {} },
    });
    closings.push(() => coloring.close());
    const leaving = leavingOf(coloring);
    if (leaving === undefined) throw new Error('the directory has state');
    return leaving.serve({ ...TARGET, leave: async () => {} });
  };
  const settled = () => new Promise((resolve) => setTimeout(resolve, 50));
  const pulse = async () => {
    await settled();
    return (await directory.state.get(KEY))?.value;
  };

  beforeEach(() => {
    directory = memoryDirectory();
  });
  afterEach(async () => {
    for (const close of closings.splice(0)) await close();
    await directory.close();
  });

  it('stands from its start to its orderly stop', async () => {
    const stop = consumer('feat-cart');
    expect(Date.now() - Number(await pulse())).toBeLessThan(PULSE_LOST_MS);
    await stop();
    expect(await pulse()).toBeUndefined();
  });

  it('is not made by the baseline', async () => {
    consumer('');
    expect(await pulse()).toBeUndefined();
  });

  it('is made fresh where an older one stands, of a process that died', async () => {
    await directory.state.create(KEY, String(Date.now() - PULSE_LOST_MS));
    consumer('feat-cart');
    expect(Date.now() - Number(await pulse())).toBeLessThan(PULSE_LOST_MS / 2);
  });
});
