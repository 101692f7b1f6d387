// The registry is killed and comes back later (`--minutes`, a quarter by default) while POSTs come at 500 a second,
// half of them colored, to instances that live on.
import { startService } from '../../test/services/index.mjs';
import { InstanceFleet } from '../lib/instance-fleet.mjs';
import { report } from '../lib/report.mjs';
import { printFailures, steadyLoad } from '../lib/steady-load.mjs';
import { openStockClient } from '../lib/stock-client.mjs';

const RATE = 500;
const COLORS = ['', 'feat-cart'];
/** Leases, reconnects and new registrations have settled by then. */
const AFTER_MS = 20_000;

export async function run({ minutes }) {
  for (const kind of ['consul', 'etcd']) await outage(kind, minutes);
}

async function outage(kind, minutes) {
  const server = await startService(kind, { own: true });
  const directory = { kind, place: server.url };
  const fleet = new InstanceFleet(directory);
  const client = await openStockClient(directory);
  try {
    await Promise.all([...COLORS, ...COLORS].map((color) => fleet.start(color)));
    for (const color of COLORS) await client.sees(color, 2);
    const load = steadyLoad(RATE, (index) => client.call(COLORS[index % COLORS.length]));
    await pause(1_000);
    await server.kill();
    await pause(minutes * 60_000);
    await server.restart();
    await pause(AFTER_MS);
    const { sent, failed, failures, rate } = await load.stop();
    report(`${kind} killed for ${minutes} minutes and started again, POSTs without retries`, [
      { what: 'failed', measured: failed, unit: ' requests', goal: 0 },
      { what: '  sent', measured: sent, unit: ' requests' },
      { what: '  rate', measured: rate, unit: ' a second' },
    ]);
    printFailures(failures);
  } finally {
    await client.close();
    await fleet.close();
    await server.stop();
  }
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
