// Rounds in which all variants live at once, each in a fresh process, and take turns in short slices: the
// machine's drift then meets all of them alike. For servers, whose time is mostly the kernel's and noisy.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { AGAIN } from './rounds.mjs';

/**
 * Forks `<script> <variant>` for each variant. A worker says when it is ready, and then answers each message
 * with one object of numbers, lower is better; they are added up over the slices of a round.
 *
 * @param {string} script @param {readonly string[]} variants the first one runs twice, as in `runRounds`
 * @param {{ rounds: number, slices: number }} options
 * @returns {Promise<Map<string, Record<string, number>[]>>} by variant, a sum for each round
 */
export async function interleave(script, variants, { rounds, slices }) {
  const runs = [...variants, AGAIN];
  const measured = new Map(runs.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round++) {
    const workers = [];
    for (const variant of runs) workers.push(await start(script, variant === AGAIN ? variants[0] : variant));
    const sums = runs.map(() => ({}));
    for (let slice = 0; slice < slices; slice++) {
      for (let turn = 0; turn < runs.length; turn++) {
        const index = (turn + slice) % runs.length;
        add(sums[index], await ask(workers[index]));
      }
    }
    for (const [index, variant] of runs.entries()) measured.get(variant).push(sums[index]);
    for (const worker of workers) worker.disconnect();
    process.stderr.write('.');
  }
  process.stderr.write('\n');
  return measured;
}

async function start(script, variant) {
  const worker = fork(script, [variant]);
  await ask(worker, false);
  return worker;
}

async function ask(worker, send = true) {
  const answer = once(worker, 'message');
  const early = once(worker, 'exit').then(([status]) => {
    throw new Error(`a worker ended with status ${status}`);
  });
  early.catch(() => {});
  if (send) worker.send({});
  const [figures] = await Promise.race([answer, early]);
  return figures;
}

function add(sums, figures) {
  for (const [name, figure] of Object.entries(figures)) sums[name] = (sums[name] ?? 0) + figure;
}
