import { isColorwayError } from '@colorway/core';
import { runningTasks } from '@colorway/core/background';
import { createColoring, Environments } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';
import { ServiceColoring } from '../src/coloring/service-coloring.js';
import {
  COLORING_CALLS,
  ENVIRONMENT_CALLS,
  hangingAfter,
  makeRed,
  makeUnread,
  settled,
} from './support/public-calls.js';
import { gatherWarnings } from './support/warnings.js';

/** More than any call asks. */
const QUESTIONS = Array.from({ length: 16 }, (_, questions) => questions);

/** Every call, with a directory that stops to answer before each of its questions, all side by side. */
async function everywhere<Call>(
  calls: Readonly<Record<string, Call>>,
  attempt: (call: Call, what: string, questions: number) => Promise<void>,
): Promise<void> {
  await Promise.all(
    Object.entries(calls).flatMap(([name, call]) =>
      QUESTIONS.map((questions) =>
        attempt(call, `${name} whose store hangs after ${questions} answers`, questions),
      ),
    ),
  );
}

async function outcomeOf(what: string, call: Promise<unknown>): Promise<unknown> {
  const [outcome] = await Promise.allSettled([settled(what, call)]);
  return outcome?.status === 'rejected' ? outcome.reason : 'resolved';
}

describe('a public call whose directory hangs', () => {
  it('is one of those below: none is left out', () => {
    const methods = Object.getOwnPropertyNames(Environments.prototype).filter(
      (name) => name !== 'constructor',
    );
    expect(Object.keys(ENVIRONMENT_CALLS).sort()).toEqual(methods.sort());
    const asksNothing = [
      ...['constructor', 'environments', 'isClosing', 'flowType', 'activeColor', 'view', 'viewAge'],
      ...['onViewChange', 'onClose', 'close'],
    ];
    const own = Object.getOwnPropertyNames(ServiceColoring.prototype);
    expect(own.filter((name) => !asksNothing.includes(name)).sort()).toEqual(
      Object.keys(COLORING_CALLS)
        .filter((name) => !name.startsWith('environments.'))
        .sort(),
    );
  });

  it('of Environments fails within the time that the store has to answer, and says so', async () => {
    await everywhere(ENVIRONMENT_CALLS, async (call, what, questions) => {
      const { state } = memoryDirectory();
      await makeRed(state);
      const environments = new Environments(hangingAfter(questions, state), { timeoutMs: 40 });
      const outcome = await outcomeOf(what, call(environments));
      if (outcome === 'resolved') return;
      expect({ what, outcome }).toEqual({
        what,
        outcome: expect.objectContaining({
          code: 'COLORWAY_DIRECTORY_FAILED',
          message: expect.stringMatching(/^The directory has not answered \w+ ".+" within 40 ms\.$/),
        }),
      });
    });
  }, 60_000);

  it('of a coloring fails within directoryTimeoutMs, and says so; a registration goes on', async () => {
    gatherWarnings();
    await everywhere(COLORING_CALLS, async (call, what, questions) => {
      const { coloring } = await coloringThatHangs(questions, 40);
      const outcome = await outcomeOf(what, call(coloring));
      if (outcome !== 'resolved') {
        expect({ what, outcome }).toEqual({
          what,
          outcome: expect.objectContaining({
            code: expect.stringMatching(/^COLORWAY_DIRECTORY_(FAILED|UNANSWERED)$/),
            message: expect.stringContaining('within 40 ms'),
          }),
        });
      }
      await settled(`the close after ${what}`, coloring.close());
    });
    expect(runningTasks()).toEqual([]);
  }, 60_000);

  it('of a coloring ends with the close, and nothing is left', async () => {
    gatherWarnings();
    await everywhere(COLORING_CALLS, async (call, what, questions) => {
      const { coloring, directory } = await coloringThatHangs(questions, 3_600_000);
      await makeUnread(directory.state);
      if (questions === 0) directory.disconnect('hang');
      const called = outcomeOf(what, call(coloring));
      // Until it hangs, or waits for messages that nobody reads.
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      await settled(`the close after ${what}`, coloring.close());
      const outcome = await called;
      expect(coloring.scope.running()).toEqual([]);
      if (outcome === 'resolved') return;
      expect({ what, code: isColorwayError(outcome) ? outcome.code : outcome }).toEqual({
        what,
        code: 'COLORWAY_CLOSED',
      });
    });
    expect(runningTasks()).toEqual([]);
  }, 60_000);
});

async function coloringThatHangs(questions: number, directoryTimeoutMs: number) {
  const directory = memoryDirectory();
  await makeRed(directory.state);
  const coloring = createColoring({
    ...{ service: 'order', color: 'red', leaseMs: 300, directoryTimeoutMs },
    directory: { ...directory, state: hangingAfter(questions, directory.state) },
    closing: { noticeMs: 0, drainMs: 500 },
  });
  return { coloring, directory };
}
