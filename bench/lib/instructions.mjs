// Instructions that a worker executes in user space, counted by valgrind: a busy machine does not disturb them, so that a
// difference of 1 % can be told. The kernel's share of a request, which is the same for all variants, is not in them.
import { execFile, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AGAIN } from './rounds.mjs';

const run = promisify(execFile);

/** As deterministic as can be: no threads that finish sooner or later, no hash seed of the day, no collection within what is counted. */
const NODE_OPTIONS = [
  '--single-threaded',
  '--hash-seed=1',
  '--random-seed=1',
  '--min-semi-space-size=256',
  '--max-semi-space-size=256',
  // A process that is slow looks idle, which has the reducer collect; what a collection makes V8 forget is slow for good.
  '--no-memory-reducer',
  '--no-flush-bytecode',
  '--initial-old-space-size=1024',
];

/** Whether the tool is there (`apt-get install valgrind`). */
export async function hasValgrind() {
  return run('valgrind', ['--version']).then(
    () => true,
    () => false,
  );
}

/**
 * Forks `<script> <variant>` under valgrind for each variant, one after the other. A worker says when it is ready and warm, and then
 * answers each message with `{ requests }`; only the slices are counted.
 *
 * @param {string} script @param {readonly string[]} variants the first one runs twice, as in `runRounds`
 * @param {{ rounds: number, requests: number }} options
 * @returns {Promise<Map<string, { instructions: number }[]>>} by variant, the instructions a request of each round
 */
export async function countInstructions(script, variants, { rounds, requests }) {
  const runs = [...variants, AGAIN];
  const measured = new Map(runs.map((variant) => [variant, []]));
  for (let round = 0; round < rounds; round++) {
    for (const variant of runs) {
      const name = variant === AGAIN ? variants[0] : variant;
      measured.get(variant).push({ instructions: await countOnce(script, name, requests) });
      process.stderr.write('.');
    }
  }
  process.stderr.write('\n');
  return measured;
}

async function countOnce(script, variant, requests) {
  const folder = mkdtempSync(join(tmpdir(), 'instructions-'));
  const out = join(folder, 'count');
  const worker = fork(script, [variant], {
    execPath: 'valgrind',
    execArgv: [
      '-q',
      '--tool=callgrind',
      '--instr-atstart=no',
      '--smc-check=all-non-file',
      `--callgrind-out-file=${out}`,
      process.execPath,
      ...NODE_OPTIONS,
    ],
  });
  try {
    await answerOf(worker);
    await control(worker, 'instrumentation', 'on');
    // The first time is not counted: valgrind translates the code anew.
    worker.send({ requests });
    await answerOf(worker);
    await control(worker, 'zero');
    worker.send({ requests });
    await answerOf(worker);
    await control(worker, 'dump');
    return totalOf(folder) / requests;
  } finally {
    const gone = worker.exitCode === null ? once(worker, 'exit') : undefined;
    if (worker.connected) worker.disconnect();
    await gone;
    rmSync(folder, { recursive: true });
  }
}

/** Asks valgrind itself, which answers at the worker's next instruction. */
async function control(worker, ...command) {
  await run('vgdb', [`--pid=${worker.pid}`, ...command]);
}

/**
 * What ends once a process is warm, at a request that differs by the smallest thing: left out, so that the runs of two variants
 * can be told apart by less than one optimised function is worth.
 */
const COMPILERS =
  /v8::internal::(?:\(anonymous namespace\)::)?(?:compiler|interpreter|baseline|maglev|wasm|Zone|Parser|Scanner|Ast|Declaration|Preparse|SourcePosition|Utf16|Bytecode|OptimizedCompil|Register(?:Alloc|Config)|Assembler|TurboAssembler|MacroAssembler)/;

/** The instructions of a dump: callgrind's text has a function's name, or its number, and then its lines with their costs. */
export function totalOf(folder, counts = (name) => !COMPILERS.test(name)) {
  const [dump] = readdirSync(folder).filter((name) => name.startsWith('count.'));
  const names = new Map();
  let counted = false;
  let isCall = false;
  let total = 0;
  for (const line of readFileSync(join(folder, dump), 'latin1').split('\n')) {
    const [, kind, number, name] = /^(c?fn)=\((\d+)\)(?: (.*))?$/.exec(line) ?? [];
    if (number !== undefined) {
      if (name !== undefined) names.set(number, name);
      if (kind === 'fn') counted = counts(names.get(number));
    } else if (line.startsWith('calls=')) {
      isCall = true; // the next line is what the called function cost, which stands with that one too
    } else if (/^[-+*\d]/.test(line)) {
      if (counted && !isCall) total += Number(line.slice(line.lastIndexOf(' ') + 1));
      isCall = false;
    }
  }
  return total;
}

async function answerOf(worker) {
  const early = once(worker, 'exit').then(([status]) => {
    throw new Error(`a worker ended with status ${status}`);
  });
  early.catch(() => {});
  const [answer] = await Promise.race([once(worker, 'message'), early]);
  return answer;
}
