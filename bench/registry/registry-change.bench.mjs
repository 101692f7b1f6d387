// From the call that registers or deregisters an instance until the views of 50 watching clients route it.
import { openDirectory } from '../lib/open-directory.mjs';
import { startRegistry } from '../lib/registry-servers.mjs';
import { report } from '../lib/report.mjs';
import { record } from '../lib/synthetic-directory.mjs';
import { WatchingClients } from '../lib/watching-clients.mjs';

const GOAL_MS = { consul: 200, etcd: 200, nacos: 1_500 };
const PROCESSES = 5;
const EACH = 10;
/** As many register as deregister. Of 50 x 100 samples, one change that is late everywhere is just the last percent. */
const CHANGES = 100;
/** What stands around the change. */
const SERVICES = 20;
const INSTANCES_EACH = 10;
const LEASE_MS = 3_600_000;
/** A server may push in beats, which the changes must not keep step with. */
const MOST_PAUSE_MS = 600;

export async function run({ on }) {
  for (const kind of on) await changes(kind);
}

async function changes(kind) {
  const registry = await startRegistry(kind);
  const directory = await openDirectory(kind, registry.place);
  let clients;
  try {
    await fill(directory);
    clients = await WatchingClients.start({ kind, place: registry.place, processes: PROCESSES, each: EACH });
    const came = [];
    const went = [];
    const calls = [];
    for (let turn = 0; turn < CHANGES / 2; turn++) {
      const color = `feat-${turn}`;
      const change = { ...record('stock', color, turn), id: color, port: 20_000 + turn };
      const put = () => directory.instances.register(change, LEASE_MS);
      came.push(...(await one(clients, { color, to: 'colored' }, put, calls)));
      const remove = () => directory.instances.deregister(color);
      went.push(...(await one(clients, { color, to: 'baseline' }, remove, calls)));
      process.stderr.write('.');
    }
    process.stderr.write('\n');
    print(kind, came, went, calls);
  } finally {
    await clients?.close();
    await directory.close();
    await registry.stop();
  }
}

async function fill(directory) {
  for (let index = 0; index < SERVICES * INSTANCES_EACH; index++) {
    const service = index % SERVICES === 0 ? 'stock' : `service-${index % SERVICES}`;
    await directory.instances.register(
      { ...record(service, undefined, index), port: 1_000 + index },
      LEASE_MS,
    );
  }
}

/** Milliseconds from the call until each client routes it. */
async function one(clients, expected, change, calls) {
  await new Promise((resolve) => setTimeout(resolve, Math.random() * MOST_PAUSE_MS));
  let from = 0;
  const times = await clients.routed(expected, async () => {
    from = now();
    await change();
    calls.push(now() - from);
  });
  return times.map((time) => time - from);
}

function print(kind, came, went, calls) {
  const goal = GOAL_MS[kind];
  const all = [...came, ...went];
  report(`${kind}: a change until ${PROCESSES * EACH} watching clients route it, ${CHANGES} changes`, [
    { what: 'p50', measured: quantile(all, 0.5), unit: ' ms' },
    { what: 'p99', measured: quantile(all, 0.99), unit: ' ms', ...(goal === undefined ? {} : { goal }) },
    { what: '  the last of all', measured: quantile(all, 1), unit: ' ms' },
    { what: '  registered, p99', measured: quantile(came, 0.99), unit: ' ms' },
    { what: '  deregistered, p99', measured: quantile(went, 0.99), unit: ' ms' },
    { what: '  of that, until the call has returned, p50', measured: quantile(calls, 0.5), unit: ' ms' },
  ]);
}

/** By the clock that all processes of a machine have in common. */
function now() {
  return Number(process.hrtime.bigint()) / 1e6;
}

function quantile(numbers, part) {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}
