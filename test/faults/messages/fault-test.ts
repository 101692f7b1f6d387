import { seedOfRun } from './random.js';
import { describeOutcome, type MakeWorld, runScenario } from './run-scenario.js';
import type { Step } from './schedule.js';

/** How tests of one broker are made of scenarios. `COLORWAY_SEED=n` replays a run, as far as timing lets it. */
export function faultTest(
  makeWorld: () => MakeWorld,
): (title: string, colors: readonly string[], steps: readonly Step[]) => void {
  const seed = seedOfRun();
  return (title, colors, steps) => {
    test(title, async () => {
      const outcome = await runScenario({ title, colors, steps }, makeWorld(), seed);
      process.stderr.write(`${title} (seed ${seed}): ${describeOutcome(outcome)}\n`);
    }, 180_000);
  };
}
