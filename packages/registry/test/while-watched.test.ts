import { runningTasks, Scope } from '@colorway/core/background';
import { WhileWatched } from '../src/while-watched.js';

it('follows once while anybody watches, and begins again only when the one before has ended', async () => {
  const scope = new Scope('test');
  const ends: (() => void)[] = [];
  const signals: AbortSignal[] = [];
  const watched = new WhileWatched(scope, async (signal) => {
    signals.push(signal);
    await new Promise<void>((resolve) => ends.push(resolve));
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  watched.end();
  for (let time = 0; time < 2; time++) watched.begin();
  await turn();
  expect(signals).toHaveLength(1);
  watched.end();
  expect(signals[0]?.aborted).toBe(true);
  // It still waits for an answer.
  watched.begin();
  await turn();
  expect(signals).toHaveLength(1);
  ends[0]?.();
  await turn();
  expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
  const disposed = scope.dispose();
  ends[1]?.();
  await disposed;
  expect(runningTasks()).toEqual([]);
  watched.end();
  expect(() => watched.begin()).toThrow(expect.objectContaining({ code: 'COLORWAY_CLOSED' }));
});
