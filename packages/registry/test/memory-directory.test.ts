import { memoryDirectory } from '@colorway/registry/memory';
import { pause, until } from './support/wait.js';

const RECORD = { id: 'a', service: 'order', host: '127.0.0.1', port: 1, metadata: {}, startedAt: 0 };

function watched(directory: ReturnType<typeof memoryDirectory>) {
  const told: string[] = [];
  const watch = directory.instances.watch({
    next: (change) =>
      told.push(
        change.kind === 'snapshot'
          ? `all ${change.instances.length}`
          : `+${change.put.length} -${change.removed.length}`,
      ),
    current: () => told.push('current'),
    error: () => told.push('error'),
  });
  return { told, watch };
}

it('runs leases by the clock that it is given', async () => {
  const clock = { now: 0 };
  const directory = memoryDirectory({ now: () => clock.now });
  const { told, watch } = watched(directory);
  await directory.instances.register(RECORD, 20);
  await pause(100);
  expect(told.filter((each) => each !== 'current')).toEqual(['all 0', '+1 -0']);
  clock.now = 20;
  await until('expired', () => told.includes('+0 -1'));
  watch.close();
});

it('expires an instance on demand', async () => {
  const directory = memoryDirectory();
  await directory.instances.register(RECORD, 60_000);
  directory.expire('a');
  await expect(directory.instances.renew('a')).rejects.toMatchObject({ code: 'COLORWAY_LEASE_LOST' });
});

it('that refuses fails calls and tells watches, and tells all anew when it is back', async () => {
  const directory = memoryDirectory();
  const { told, watch } = watched(directory);
  await directory.instances.register(RECORD, 60_000);
  directory.disconnect();
  await expect(directory.state.get('k')).rejects.toMatchObject({ code: 'COLORWAY_DIRECTORY_FAILED' });
  directory.expire('a');
  directory.reconnect();
  await until('all anew', () => told.at(-1) === 'all 0');
  expect(told).toEqual(['all 0', '+1 -0', 'error', 'all 0']);
  watch.close();
});

it('that hangs answers nothing until it is back', async () => {
  const directory = memoryDirectory();
  const { told, watch } = watched(directory);
  await pause(0);
  directory.disconnect('hang');
  let answered = false;
  const created = directory.state.create('k', 'v').then((outcome) => {
    answered = true;
    return outcome;
  });
  await pause(400);
  expect(answered).toBe(false);
  expect(told).toEqual(['all 0']);
  directory.reconnect();
  expect((await created).created).toBe(true);
  watch.close();
});
