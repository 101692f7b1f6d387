import { runningTasks } from '@colorway/core/background';
import { createColoring } from '@colorway/registry';
import { memoryDirectory } from '@colorway/registry/memory';

/** A service that starts, closes, and has to end by itself then. */
const how = process.argv[2];
const directory = memoryDirectory();
const coloring = createColoring({
  ...{ service: 'order', color: 'red', directory, directoryTimeoutMs: 300, closing: { noticeMs: 10 } },
});
if (how === 'hangs during register') directory.disconnect('hang');
const registering = coloring.register({ port: 1 }).catch(() => undefined);
if (how !== 'hangs during register') await registering;
if (how === 'hangs') directory.disconnect('hang');
await coloring.close();
process.stdout.write(`closed ${JSON.stringify(runningTasks())}\n`);
