// @ts-check
import { ForeignService } from './foreign-service.mjs';
import { LocalService } from './local-service.mjs';
import { addressInEnvironment, obtain } from './obtain.mjs';
import { ready } from './readiness.mjs';
import { serverKind } from './server-kinds.mjs';

/**
 * A real server, ready for use: the one that the environment names, else started here from a program that is there, else
 * fetched and started. It ends with `stop()`, or at the latest with this process, however that ends.
 *
 *     const kafka = await startService('kafka', { own: true });
 *     new Kafka({ brokers: kafka.brokers });
 *     await kafka.kill();
 *     await kafka.restart(); // the same data, the same port
 *
 * @template {import('./types.js').ServiceName} Name
 * @param {Name} name
 * @param {import('./types.js').StartOptions & { say?: (line: string) => void }} [options] `say` is told what is fetched;
 *   default: a line on stderr.
 * @returns {Promise<import('./types.js').Services[Name]>}
 * @throws {import('./service-error.mjs').ServiceError} `SERVICE_UNKNOWN`, `SERVICE_UNAVAILABLE`, `SERVICE_NOT_READY`
 */
export async function startService(name, { say = onStderr, ...options } = {}) {
  const kind = serverKind(name);
  const url = options.own ? undefined : addressInEnvironment(name);
  if (url === undefined) return await LocalService.start(kind, await obtain(name, say), options);

  const version = await ready(() => kind.probe(url, undefined), {
    what: `the server that ${kind.variable}=${url} names`,
    deadlineMs: options.deadlineMs ?? 10_000,
    log: () => '',
  });
  return new ForeignService(
    name,
    url,
    version,
    `${kind.variable} names it. Unset ${kind.variable}, or start with { own: true }.`,
  );
}

/** @param {string} line */
export function onStderr(line) {
  process.stderr.write(`${line}\n`);
}
