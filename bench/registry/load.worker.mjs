// One client that loads the view of a directory: how long from nothing, and what heap it takes.
import { createColoring } from '@colorway/registry';
import { openDirectory } from '../lib/open-directory.mjs';

const { DIRECTORY, DIRECTORY_PLACE, INSTANCES } = process.env;
// Reading the modules is no part of it; a directory connects when it is used.
await (await openDirectory(DIRECTORY, DIRECTORY_PLACE)).close();
globalThis.gc();
const before = process.memoryUsage().heapUsed;
const processorBefore = process.cpuUsage();
const start = performance.now();
const coloring = createColoring({
  service: 'bench',
  color: '',
  directory: await openDirectory(DIRECTORY, DIRECTORY_PLACE),
  directoryTimeoutMs: 60_000,
});
const view = await coloring.answeredView();
const milliseconds = performance.now() - start;
const processor = process.cpuUsage(processorBefore);
mustBeWhole(view);
// What only the loading needed is no longer held a moment later.
await new Promise((resolve) => setTimeout(resolve, 1_000));
globalThis.gc();
const megabytes = (process.memoryUsage().heapUsed - before) / 1e6;
const processorMilliseconds = (processor.user + processor.system) / 1_000;
console.log(JSON.stringify({ milliseconds, megabytes, processorMilliseconds }));
process.exit(0);

function mustBeWhole({ services }) {
  let instances = 0;
  for (const [, { uncolored, colored }] of services.entries()) {
    instances += uncolored.instances?.length ?? 0;
    for (const [, group] of colored.entries()) instances += group.instances?.length ?? 0;
  }
  if (instances !== Number(INSTANCES)) throw new Error(`the view has ${instances} instances`);
}
