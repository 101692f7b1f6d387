// Three instances, restarted one after the other (SIGTERM, then a new one) while POSTs come at 2,000 a second.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InstanceFleet } from '../lib/instance-fleet.mjs';
import { report } from '../lib/report.mjs';
import { printFailures, steadyLoad } from '../lib/steady-load.mjs';
import { openStockClient } from '../lib/stock-client.mjs';

const RATE = 2_000;
const INSTANCES = 3;

export async function run({ rounds }) {
  const place = await mkdtemp(join(tmpdir(), 'colorway-bench-'));
  const directory = { kind: 'file', place };
  const fleet = new InstanceFleet(directory);
  const client = await openStockClient(directory);
  try {
    const ends = await Promise.all(Array.from({ length: INSTANCES }, () => fleet.start()));
    await client.sees('', INSTANCES);
    const load = steadyLoad(RATE, () => client.call(''));
    for (let round = 0; round < rounds; round++) {
      for (let which = 0; which < INSTANCES; which++) {
        await ends[which]();
        ends[which] = await fleet.start();
        await client.sees('', INSTANCES);
      }
      process.stderr.write('.');
    }
    process.stderr.write('\n');
    const { sent, failed, failures, rate } = await load.stop();
    report(`rolling restart of ${INSTANCES} instances, ${rounds} times, POSTs without retries`, [
      { what: 'failed', measured: failed, unit: ' requests', goal: 0 },
      { what: '  sent', measured: sent, unit: ' requests' },
      { what: '  rate', measured: rate, unit: ' a second' },
    ]);
    printFailures(failures);
  } finally {
    await client.close();
    await fleet.close();
    await rm(place, { recursive: true, force: true });
  }
}
