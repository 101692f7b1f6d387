import { startChild } from '../support/child.js';

jest.setTimeout(60_000);

// Node frees what it reads from when a session is destroyed while it tells of an answer: the process ends with
// "corrupted size vs. prev_size" after some hundred of them.
test('a process survives thousands of answers at which it hangs up', async () => {
  const child = startChild('ask', '500', '2000');
  expect(await child.exited).toBe(0);
  expect(child.lines).toEqual(['4000']);
});
