// @ts-check
import { createServer } from 'node:http';
import { ForeignService } from '../foreign-service.mjs';
import { ServiceError } from '../service-error.mjs';
import { startService } from '../start-service.mjs';
import { hostOfRun } from './test-run.mjs';

/** @typedef {import('../types.js').ServiceName} ServiceName */

/**
 * Lets the suites of one test run share servers: one of each kind, started when the first suite asks for it.
 * @returns {Promise<{ url: string, close: () => Promise<void> }>}
 */
export async function openServerHost() {
  /** @type {Map<string, Promise<import('../types.js').Service>>} */
  const started = new Map();
  const server = createServer(async (request, response) => {
    const name = /** @type {ServiceName} */ (request.url?.slice(1));
    const starting = started.get(name) ?? startService(name);
    started.set(name, starting);
    try {
      const { url, version } = await starting;
      response.end(JSON.stringify({ url, version }));
    } catch (error) {
      const { code = 'SERVICE_NOT_READY', message } = /** @type {ServiceError} */ (error);
      response.writeHead(500).end(JSON.stringify({ code, message }));
    }
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  server.unref();
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      server.close();
      server.closeAllConnections();
      const services = await Promise.allSettled(started.values());
      await Promise.all(services.map((it) => (it.status === 'fulfilled' ? it.value.stop() : undefined)));
    },
  };
}

/**
 * The server of its kind that the suites of this run share; it cannot be killed. Use names of your own in it: topics, queues,
 * keys, services.
 *
 * @template {ServiceName} Name
 * @param {Name} name
 * @returns {Promise<import('../types.js').Services[Name]>}
 */
export async function sharedService(name) {
  const response = await fetch(`${hostOfRun()}/${name}`);
  const answer = /** @type {any} */ (await response.json());
  if (!response.ok) throw new ServiceError(answer.code, answer.message);
  const whose =
    'all suites of this run share it. Ask for one of your own: describeWithServers(..., { own: true }).';
  return new ForeignService(name, answer.url, answer.version, whose);
}
