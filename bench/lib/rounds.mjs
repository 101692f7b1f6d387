// Paired rounds in fresh processes. A process that is kept long drifts by up to 16 % against its twin, so
// every round starts each variant anew, in an order that turns, and a ratio is taken inside its round.
import { spawn } from 'node:child_process';

/**
 * Runs `node <script> <variant>` for each variant and round. The script prints one JSON object of numbers,
 * lower is better. The first variant is the reference; it runs twice a round, and that ratio (A/A) is what
 * the machine adds by itself.
 *
 * @param {string} script file URL or path
 * @param {readonly string[]} variants
 * @param {{ rounds: number, nodeArguments?: readonly string[], env?: Record<string, string>, atOnce?: boolean }} options
 *   `atOnce`: the runs of a round side by side, for those that leave the machine mostly idle: what stalls one stalls all
 * @returns {Promise<Map<string, Record<string, number>[]>>} by variant, a measurement for each round
 */
export async function runRounds(script, variants, { rounds, nodeArguments = [], env = {}, atOnce = false }) {
  const [reference] = variants;
  const runs = [...variants, AGAIN];
  const measured = new Map(runs.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round++) {
    const started = [];
    for (let turn = 0; turn < runs.length; turn++) {
      const variant = runs[(turn + round) % runs.length];
      const name = variant === AGAIN ? reference : variant;
      const run = runOnce(script, name, nodeArguments, env).then((figures) => {
        measured.get(variant).push(figures);
        process.stderr.write('.');
      });
      started.push(run);
      if (!atOnce) await run;
    }
    await Promise.all(started);
  }
  process.stderr.write('\n');
  return measured;
}

export const AGAIN = 'the reference again';

async function runOnce(script, variant, nodeArguments, env) {
  const child = spawn(process.execPath, [...nodeArguments, script, variant], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (status !== 0) throw new Error(`${script} ${variant} ended with status ${status}`);
  return JSON.parse(output.trim().split('\n').at(-1));
}

/** The median of the ratios `of / against`, taken round by round. */
export function ratio(measured, figure, of, against) {
  const reference = measured.get(against);
  return median(measured.get(of).map((round, index) => round[figure] / reference[index][figure]));
}

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function medianOf(measured, figure, variant) {
  return median(measured.get(variant).map((round) => round[figure]));
}
