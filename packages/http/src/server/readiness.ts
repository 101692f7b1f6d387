import type { Coloring } from '@colorway/core';
import { type JsonHandler, jsonHandler } from './json-handler.js';

export interface ReadinessOptions {
  /** The service's own check: whether it can serve. Default: it always can. One that throws says no. */
  readonly check?: () => boolean | Promise<boolean>;
}

/**
 * Answers a load balancer's or an orchestrator's question whether this instance wants requests:
 *
 *     app.get('/ready', readinessHandler(coloring, { check: () => database.isConnected }));
 *
 * 200 `{ "ready": true }`, or 503 `{ "ready": false, "reason": "closing" }` from the moment that `coloring.close()`
 * begins, and with reason `check` while the check says no. It says nothing of the directory: an instance that
 * cannot reach it serves on. The handler goes into Express, Fastify, Koa and `node:http` as it is, and
 * `register({ ready: '/ready' })` may ask it. Put it where no login is asked for.
 */
export function readinessHandler(
  coloring: Pick<Coloring, 'isClosing'>,
  { check }: ReadinessOptions = {},
): JsonHandler {
  const no = (reason: string) => ({ status: 503, body: { ready: false, reason } });
  return jsonHandler(async () => {
    if (coloring.isClosing) return no('closing');
    if (!(await says(check))) return no('check');
    return coloring.isClosing ? no('closing') : { status: 200, body: { ready: true } };
  });
}

async function says(check: ReadinessOptions['check']): Promise<boolean> {
  try {
    return check === undefined || (await check()) === true;
  } catch {
    return false;
  }
}
