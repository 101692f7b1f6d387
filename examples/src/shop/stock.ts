/** The shop's stock: plain node:http. */
import { createServer } from 'node:http';
import { nodeColoring } from '@colorway/http/node';
import { createColoring } from '@colorway/registry';
import { leaseMs, reportReady, served } from './process.js';

const coloring = createColoring({ service: 'stock', leaseMs });

const server = createServer(
  nodeColoring(coloring, (request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(served('stock', request.socket)));
  }),
);

server.listen(0, '127.0.0.1', async () => {
  await coloring.register({ server });
  reportReady(server);
});

process.on('SIGTERM', () => coloring.close());
