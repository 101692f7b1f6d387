// @ts-check
import { relative } from 'node:path';
import { ServiceError } from '../service-error.mjs';
import { startService } from '../start-service.mjs';
import { absenceOf } from './absence.mjs';
import { sharedService } from './server-host.mjs';
import { recordNotRun } from './test-run.mjs';

/** @typedef {import('../types.js').ServiceName} ServiceName */

/** Starting waits for what other suites start; each server has a sharper deadline of its own. */
const START_MS = 240_000;

/**
 * A suite that needs real servers. They are shared with the other suites of the run unless it asks for its own; those it may
 * kill, pause and restart, and they end with the suite.
 *
 *     describeWithServers(['kafka'], 'Kafka adapter', (servers) => {
 *       test('...', async () => { new Kafka({ brokers: servers.kafka.brokers }) });
 *     });
 *
 * Where a server cannot be had, the suite fails in CI (`CI=true`); elsewhere its tests are skipped, and the end of the run says
 * why and what gets the server.
 *
 * @template {ServiceName} Name
 * @param {readonly Name[]} names
 * @param {string} title
 * @param {(servers: Pick<import('../types.js').Services, Name>) => void} define called at once; the servers may be used from
 *   `beforeAll` on.
 * @param {import('../types.js').StartOptions} [options] `own: true`, and `settings` for own ones of a single kind.
 */
export function describeWithServers(names, title, define, options = {}) {
  const { own = false } = options;
  if (options.settings && !(own && names.length === 1)) {
    throw new TypeError(
      `"${title}": settings need { own: true } and one server, for they are that server's.`,
    );
  }
  const absences = names.map((name) => absenceOf(name, { own })).filter((why) => why !== undefined);
  const { started, servers } = lazyServers(names);

  if (absences.length === 0) {
    describe(title, () => {
      beforeAll(async () => {
        const starts = names.map(async (name) => {
          started.set(name, own ? await startService(name, options) : await sharedService(name));
        });
        await Promise.all(starts);
      }, START_MS);
      afterAll(async () => {
        await Promise.all([...started.values()].map((service) => service.stop()));
      }, START_MS);
      define(servers);
    });
  } else if (process.env.CI === 'true') {
    describe(title, () => {
      test('its servers can be had', () => {
        throw new ServiceError('SERVICE_UNAVAILABLE', absences.join('\n'));
      });
    });
  } else {
    recordNotRun({ file: relative(process.cwd(), expect.getState().testPath ?? ''), title, absences });
    // biome-ignore lint/suspicious/noSkippedTests: counted as skipped, named at the end of the run, refused in CI
    describe.skip(title, () => define(servers));
  }
}

/**
 * @template {ServiceName} Name
 * @param {readonly Name[]} names
 */
function lazyServers(names) {
  /** @type {Map<ServiceName, import('../types.js').Service>} */
  const started = new Map();
  const servers = {};
  for (const name of names) {
    Object.defineProperty(servers, name, {
      get() {
        const service = started.get(name);
        if (service !== undefined) return service;
        throw new Error(`servers.${name} is there from beforeAll on: use it inside a test or a hook.`);
      },
    });
  }
  return { started, servers: /** @type {Pick<import('../types.js').Services, Name>} */ (servers) };
}
