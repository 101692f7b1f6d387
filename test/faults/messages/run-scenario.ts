import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CutChanges } from './change-log.js';
import { checkHistory, type Fault } from './check-history.js';
import { Load } from './load.js';
import { createRandom } from './random.js';
import { Scene } from './scene.js';
import type { Scenario, Step } from './schedule.js';
import { fileInFolder, type MakeDirectory } from './shared-directory.js';
import { pauseFor, untilNoneIsLeft } from './until.js';
import type { World } from './world.js';

/** How long nothing of what was sent may be handled, when all disturbances are over and some is left. */
const HANDLED_MS = 60_000;
/** And how long it is watched for repeats after that. */
const QUIET_MS = 500;

export interface Outcome {
  /** Confirmed ones. */
  readonly produced: number;
  /** Handlings by side; `''` is the baseline. */
  readonly handled: Readonly<Record<string, number>>;
  readonly repeats: number;
  readonly unplanned: number;
  readonly cut: CutChanges;
  readonly seconds: number;
}

/** How a world is made around a directory at this address. */
export type MakeWorld = (directory: string) => Promise<World>;

/**
 * Runs a scenario to its end, and checks its history.
 * @throws Error for a violation: it names the faults, the seed, and the file with the whole history, which is kept.
 */
export async function runScenario(
  scenario: Scenario,
  makeWorld: MakeWorld,
  seed: number,
  makeDirectory: MakeDirectory = fileInFolder,
): Promise<Outcome> {
  const begun = performance.now();
  const random = createRandom(seed);
  const folder = await mkdtemp(join(tmpdir(), 'colorway-history-'));
  const directory = makeDirectory(join(folder, 'directory'));
  const world = await makeWorld(directory.address);
  const { colors, rate = 250 } = scenario;
  const load = new Load([...colors, 'nobody'], rate, random, (messages) => world.send(messages));
  const scene = new Scene(scenario, { world, load, directory, folder });
  let trouble: unknown;
  let statuses: Record<string, unknown> = {};
  try {
    load.start();
    for (const step of scenario.steps) await scene.run(jitter(step, random));
    await load.stop();
    await untilNoneIsLeft('all is handled', () => scene.missing(), HANDLED_MS);
    await pauseFor(QUIET_MS);
  } catch (error) {
    trouble = error;
    statuses = await scene.statuses();
  } finally {
    await load.stop();
    await scene.close();
    await directory.restore();
    await world.close();
  }
  const history = scene.history();
  const { faults, repeats } = checkHistory(history);
  const handled: Record<string, number> = {};
  for (const { side = '' } of history.handled) handled[side] = (handled[side] ?? 0) + 1;
  for (const { color, from, to } of history.tenures) {
    const end = to ?? Number.POSITIVE_INFINITY;
    const isDue = history.produced.some(
      (sent) => sent.color === color && sent.sentAt >= from && (sent.confirmedAt ?? end) < end,
    );
    if (isDue && handled[color] === undefined) {
      trouble ??= new Error(`${color} was active while messages came, and handled nothing at all`);
    }
  }
  if (faults.length > 0 || trouble !== undefined) {
    const file = join(folder, 'history.json');
    await writeFile(file, JSON.stringify({ scenario, seed, statuses, history }, undefined, 1));
    throw violation(scenario, seed, file, faults, trouble);
  }
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  const { unplanned, cut } = scene;
  const seconds = (performance.now() - begun) / 1_000;
  const produced = history.produced.filter(({ confirmedAt }) => confirmedAt !== undefined).length;
  return { produced, handled, repeats, unplanned, cut, seconds };
}

/** One line of what was observed. */
export function describeOutcome({ produced, handled, repeats, unplanned, cut, seconds }: Outcome): string {
  const { '': baseline = 0, ...colors } = handled;
  const sides = Object.entries({ baseline, ...colors }).map(([side, count]) => `${side} ${count}`);
  return (
    `${produced} produced; ${sides.join(', ')}; ${repeats} redelivered` +
    `${unplanned > 0 ? `; ${unplanned} rebalances that were not planned` : ''}` +
    `${cut.join + cut.leave > 0 ? `; ${cut.join} joins and ${cut.leave} leaves without the directory` : ''}; ${seconds.toFixed(1)} s`
  );
}

/** Waits differ a little by the seed, so that runs meet different moments. */
function jitter(step: Step, random: () => number): Step {
  if (step.do === 'flow') return { ...step, ms: step.ms * (0.8 + 0.4 * random()) };
  if (!('steps' in step)) return step;
  return { ...step, steps: step.steps.map((one) => jitter(one, random)) };
}

function violation(
  { title }: Scenario,
  seed: number,
  file: string,
  faults: readonly Fault[],
  trouble: unknown,
): Error {
  const shown = faults.slice(0, 10).map(({ kind, id, text }) => `  ${kind} ${id}: ${text}`);
  if (faults.length > shown.length) shown.push(`  and ${faults.length - shown.length} more`);
  return new Error(
    [
      `${title}: ${faults.length} faults. Replay with COLORWAY_SEED=${seed}. History: ${file}`,
      ...shown,
      ...(trouble instanceof Error ? [trouble.message] : []),
    ].join('\n'),
    { cause: trouble },
  );
}
