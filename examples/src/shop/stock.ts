/** The shop's stock: plain node:http, and a consumer of orders. */
import { createServer } from 'node:http';
import { createColoring } from 'colorway';
import { nodeColoring } from 'colorway/node';
import { openMessages } from './messages.js';
import { leaseMs, reportHandled, reportReady, served, takenOver } from './process.js';

const coloring = createColoring({ service: 'stock', leaseMs });

const server = createServer(
  nodeColoring(coloring, (request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(served('stock', request.socket)));
  }),
);

const messages = await openMessages(coloring);

server.listen(0, '127.0.0.1', async () => {
  await coloring.register({ server });
  await messages.consume(async (order) => reportHandled(coloring, order));
  await takenOver(coloring);
  reportReady(server);
});

for (const signal of ['SIGTERM', 'SIGINT'])
  process.on(signal, () => coloring.close().then(() => messages.close()));
