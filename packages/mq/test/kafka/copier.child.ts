// A copier in a process of its own: `copier.child.ts <brokers> <folder> <group> <from> <to> <color> <stage> <id>`.
// At that stage of that message it kills itself, as `kill -9` does.
import { writeSync } from 'node:fs';
import { createColoring } from '@colorway/registry';
import { fileDirectory } from '@colorway/registry/file';
import { Kafka, logLevel } from 'kafkajs';
import { startCopier } from './copier.js';

const [, , brokers = '', folder = '', group = '', from = '', to = '', color = '', stage = '', id = ''] =
  process.argv;
const coloring = createColoring({ service: 'copier', color, directory: fileDirectory({ folder }) });
if (color !== '') await coloring.environments.ensure(color, { owner: 'test' });
await startCopier({
  coloring,
  client: new Kafka({
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50 },
  }),
  ...{ group, from, to },
  onCopy: (copied) => writeSync(1, `${copied}\n`),
  at: (now, copied) => {
    if (now === stage && copied === id) process.kill(process.pid, 'SIGKILL');
  },
});
writeSync(1, 'ready\n');
