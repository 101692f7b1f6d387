/** The shop's orders: Fastify. Each is also sent as a message. Started with `COLORING_ENV=feat-cart` it is that color's order. */

import { createColoring } from 'colorway';
import { fastifyColoring } from 'colorway/fastify';
import { coloredFetch } from 'colorway/fetch';
import Fastify from 'fastify';
import { openMessages } from './messages.js';
import { leaseMs, reportReady, served } from './process.js';

const coloring = createColoring({ service: 'order', leaseMs });
const fetch = coloredFetch(coloring);
const messages = await openMessages(coloring);

const app = Fastify();
app.register(fastifyColoring, { coloring });

app.get<{ Params: { id: string } }>('/orders/:id', async (request, reply) => {
  await messages.send(request.params.id);
  const stock = await fetch(`http://stock/items/${request.params.id}`);
  return reply.status(stock.status).send(served('order', request.socket, await stock.json()));
});

await app.listen({ port: 0, host: '127.0.0.1' });
await coloring.register({ server: app.server });
reportReady(app.server);

for (const signal of ['SIGTERM', 'SIGINT'])
  process.on(signal, () => coloring.close().then(() => messages.close()));
