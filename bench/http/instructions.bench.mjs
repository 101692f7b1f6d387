// Instructions a request in user space, of clients and of servers: what a busy machine does not disturb. Needs valgrind.
import { fileURLToPath } from 'node:url';
import { countInstructions, hasValgrind } from '../lib/instructions.mjs';
import { report } from '../lib/report.mjs';
import { AGAIN, medianOf, ratio } from '../lib/rounds.mjs';

const client = fileURLToPath(new URL('./client-slices.worker.mjs', import.meta.url));
const server = fileURLToPath(new URL('./server.worker.mjs', import.meta.url));
const REQUESTS = 1_000;

/** A round says what ten say elsewhere: a second one is for those who doubt it. */
export async function run({ rounds }) {
  if (!(await hasValgrind())) {
    console.log('\ninstructions: not run, there is no valgrind on PATH');
    return;
  }
  const how = { rounds: Math.min(rounds, 2), requests: REQUESTS };
  const calling = await countInstructions(client, ['pool', 'uncolored', 'pool+context', 'colored'], how);
  told('undici request, instructions a request', calling, 'pool', how, [
    ['uncolored, against a bare Pool', 'uncolored', 'pool'],
    ['colored, against a bare Pool in the same context', 'colored', 'pool+context'],
    ['colored, against a bare Pool outside any context', 'colored', 'pool'],
    ['  of that, the async context alone', 'pool+context', 'pool'],
  ]);
  const parts = ['hook', 'end', 'idle', 'context', 'plugin+context'];
  const serving = await countInstructions(server, ['bare', 'plugin', ...parts, 'als', 'plugin+color'], how);
  told('Fastify hello, instructions a request', serving, 'bare', how, [
    ['plugin, uncolored, against bare', 'plugin', 'bare'],
    ['  an empty hook alone', 'hook', 'bare'],
    ['  a hook that hears of the end of the response', 'end', 'bare'],
    ['  a coloring in the process that no request passes', 'idle', 'bare'],
    ['a process that has once had an async context', 'context', 'bare'],
    ['plugin, uncolored, in such a process, against it', 'plugin+context', 'context'],
    ['plugin, colored, against raw AsyncLocalStorage', 'plugin+color', 'als'],
    ['plugin, colored, against bare', 'plugin+color', 'bare'],
  ]);
}

function told(title, measured, reference, { rounds }, ratios) {
  report(
    title,
    [
      ...ratios.map(([what, of, against]) => ({
        what,
        measured: ratio(measured, 'instructions', of, against),
      })),
      { what: `  ${reference}`, measured: medianOf(measured, 'instructions', reference) },
    ],
    { aa: ratio(measured, 'instructions', AGAIN, reference), rounds },
  );
}
