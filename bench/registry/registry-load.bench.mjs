// A large directory: how long a client takes to load its view from nothing, what it holds then, and what it asks at rest.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { startRegistry } from '../lib/registry-servers.mjs';
import { report } from '../lib/report.mjs';
import { median, runRounds } from '../lib/rounds.mjs';
import { WatchingClients } from '../lib/watching-clients.mjs';

const script = (name) => fileURLToPath(new URL(name, import.meta.url));
const SIZE = { SERVICES: '100', COLORS: '1000', INSTANCES: '10000' };
const CLIENTS = 5;
/** What a view's first minutes ask is over by then. */
const SETTLE_MS = 15_000;
const REST_MS = 60_000;

export async function run({ rounds, on }) {
  for (const kind of on) await load(kind, rounds);
}

async function load(kind, rounds) {
  const registry = await startRegistry(kind);
  let filler;
  try {
    filler = await fill(kind, registry.place);
    const env = { ...SIZE, DIRECTORY: kind, DIRECTORY_PLACE: registry.place };
    const measured = await runRounds(script('./load.worker.mjs'), ['load'], {
      rounds,
      nodeArguments: ['--expose-gc'],
      env,
    });
    const all = (figure) => [...measured.values()].flat().map((round) => round[figure]);
    report(
      `${kind}: a view of 10,000 instances, 1,000 colors, 100 services`,
      [
        {
          what: 'loaded from nothing, median',
          measured: median(all('milliseconds')),
          unit: ' ms',
          goal: 2_000,
        },
        { what: '  the longest', measured: Math.max(...all('milliseconds')), unit: ' ms' },
        {
          what: "  of it the client's processor time",
          measured: median(all('processorMilliseconds')),
          unit: ' ms',
        },
        { what: 'heap', measured: median(all('megabytes')), unit: ' MB' },
        ...(await atRest(kind, registry)),
      ],
      { rounds },
    );
  } finally {
    filler?.disconnect();
    await registry.stop();
  }
}

async function fill(kind, place) {
  const child = fork(script('./fill.worker.mjs'), {
    env: { ...process.env, ...SIZE, DIRECTORY: kind, DIRECTORY_PLACE: place },
  });
  const ended = once(child, 'exit').then(([status]) => {
    throw new Error(`filling ended with status ${status}`);
  });
  ended.catch(() => {});
  await Promise.race([once(child, 'message'), ended]);
  return child;
}

/** Requests a second and client, to each server. */
async function atRest(kind, registry) {
  const counted = await registry.counted();
  let clients;
  try {
    clients = await WatchingClients.start({ kind, place: counted.place, processes: 1, each: CLIENTS });
    await pause(SETTLE_MS);
    const before = counted.requests();
    await pause(REST_MS);
    const after = counted.requests();
    return [...after].map(([server, count]) => ({
      what: `at rest, requests to ${server} a second and client`,
      measured: (count - before.get(server)) / CLIENTS / (REST_MS / 1_000),
      goal: 0.2,
    }));
  } finally {
    await clients?.close();
    counted.close();
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
