import { seedOfRun } from './random.js';
import { describeOutcome, type MakeWorld, type Outcome, runScenario } from './run-scenario.js';
import type { Step } from './schedule.js';
import type { MakeDirectory } from './shared-directory.js';

/** How tests of one broker are made of scenarios. `COLORWAY_SEED=n` replays a run, as far as timing lets it. */
export function faultTest(
  makeWorld: () => MakeWorld,
  makeDirectory?: () => MakeDirectory,
): (
  title: string,
  colors: readonly string[],
  steps: readonly Step[],
  expected?: (outcome: Outcome) => void,
) => void {
  const seed = seedOfRun();
  return (title, colors, steps, expected) => {
    test(title, async () => {
      const outcome = await runScenario({ title, colors, steps }, makeWorld(), seed, makeDirectory?.());
      process.stderr.write(`${title} (seed ${seed}): ${describeOutcome(outcome)}\n`);
      expected?.(outcome);
    }, 180_000);
  };
}
