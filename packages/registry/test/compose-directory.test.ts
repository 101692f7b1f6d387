import { composeDirectory } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';

it('takes each half from where it is, and closes both', async () => {
  const one = memoryDirectory();
  const two = memoryDirectory();
  const closed = [jest.spyOn(one, 'close'), jest.spyOn(two, 'close')];
  const directory = composeDirectory({ instances: one, state: two });
  expect(directory.instances).toBe(one.instances);
  expect(directory.state).toBe(two.state);
  await directory.close();
  for (const close of closed) expect(close).toHaveBeenCalledTimes(1);
});

it('closes one directory that gives both halves once', async () => {
  const both = memoryDirectory();
  const close = jest.spyOn(both, 'close');
  await composeDirectory({ instances: both, state: both }).close();
  expect(close).toHaveBeenCalledTimes(1);
});

it('closes the other half where one fails, and says so', async () => {
  const one = memoryDirectory();
  const two = memoryDirectory();
  jest.spyOn(one, 'close').mockRejectedValue(new Error('one'));
  const close = jest.spyOn(two, 'close');
  await expect(composeDirectory({ instances: one, state: two }).close()).rejects.toThrow('one');
  expect(close).toHaveBeenCalled();
});

it('refuses a directory without state for the state', () => {
  const { instances, close } = memoryDirectory();
  expect(() =>
    composeDirectory({
      instances: memoryDirectory(),
      state: { instances, close } as { close: typeof close },
    }),
  ).toThrow(expect.objectContaining({ code: 'COLORWAY_STATE_MISSING' }));
});
