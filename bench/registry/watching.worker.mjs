// Some clients that watch a directory. A message says what is expected, and each client's view is looked at whenever it changes.
import { route } from '@colorway/core';
import { createColoring } from '@colorway/registry';
import { openDirectory } from '../lib/open-directory.mjs';

const { DIRECTORY, DIRECTORY_PLACE, CLIENTS } = process.env;
const clients = [];
for (let index = 0; index < Number(CLIENTS); index++) {
  const directory = await openDirectory(DIRECTORY, DIRECTORY_PLACE);
  clients.push(
    createColoring({
      service: 'bench',
      color: '',
      directory,
      closing: { noticeMs: 0 },
      directoryTimeoutMs: 50_000,
    }),
  );
}
await Promise.all(clients.map((coloring) => coloring.answeredView()));

let expected;
let waiting = new Set();
let times = [];
for (const coloring of clients) {
  coloring.onViewChange((view) => {
    if (!waiting.has(coloring) || route(expected.color, 'stock', view).kind !== expected.to) return;
    times.push(Number(process.hrtime.bigint()) / 1e6);
    waiting.delete(coloring);
    if (waiting.size === 0) process.send(times);
  });
}
process.on('message', (message) => {
  expected = message;
  waiting = new Set(clients);
  times = [];
  process.send('ready');
});
process.send('watching');
process.on('disconnect', () => process.exit());
