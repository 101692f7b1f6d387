// One instance of "stock" on Fastify: answers its color after 5 ms, registers, and closes on SIGTERM.
import { fastifyColoring } from '@colorway/http/fastify';
import { readinessHandler } from '@colorway/http/handlers';
import { createColoring } from '@colorway/registry';
import fastify from 'fastify';
import { openDirectory } from '../lib/open-directory.mjs';

const { DIRECTORY, DIRECTORY_PLACE, COLORING_ENV = '' } = process.env;
const coloring = createColoring({
  service: 'stock',
  directory: await openDirectory(DIRECTORY, DIRECTORY_PLACE),
});
const app = fastify();
app.register(fastifyColoring, { coloring });
app.get('/ready', readinessHandler(coloring));
app.post('/items', async () => {
  await new Promise((resolve) => setTimeout(resolve, 5));
  return COLORING_ENV;
});
await app.listen({ port: 0, host: '127.0.0.1' });
const registration = await coloring.register({ server: app.server, ready: '/ready' });
await registration.registered();
process.send('registered');

process.on('SIGTERM', async () => {
  await coloring.close();
  process.disconnect();
});
process.on('disconnect', () => process.exit());
