import { type Coloring, ColorwayError, quote } from '@colorway/core';
import { within } from '@colorway/core/background';
import { type JsonHandler, jsonHandler } from './json-handler.js';

export interface ReadinessOptions {
  /**
   * The service's own check: whether it can serve. Default: it always can. One that throws says no. Everyone
   * who asks while it runs shares its answer, so at most one check runs at a time.
   */
  readonly check?: () => boolean | Promise<boolean>;
  /** How long the check may take, in milliseconds; then the answer is no until it has answered. Default 2,000. */
  readonly timeoutMs?: number;
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
 *
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function readinessHandler(
  coloring: Pick<Coloring, 'isClosing'>,
  { check, timeoutMs = 2_000 }: ReadinessOptions = {},
): JsonHandler {
  if (!(typeof timeoutMs === 'number' && timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS))
    throw new ColorwayError(
      'COLORWAY_INVALID_OPTION',
      `readinessHandler: timeoutMs: ${quote(timeoutMs)} must be milliseconds, above 0 and at most ${MAX_TIMEOUT_MS}.`,
    );
  const says = check === undefined ? async () => true : sharedCheck(check, timeoutMs);
  const no = (reason: string) => ({ status: 503, body: { ready: false, reason } });
  return jsonHandler(async () => {
    if (coloring.isClosing) return no('closing');
    if (!(await says())) return no('check');
    return coloring.isClosing ? no('closing') : { status: 200, body: { ready: true } };
  });
}

/** The longest that a timer of Node can wait. */
const MAX_TIMEOUT_MS = 2_147_483_647;

/** Of a check that hangs no second one is begun: its answer counts when it comes. */
function sharedCheck(check: () => boolean | Promise<boolean>, timeoutMs: number): () => Promise<boolean> {
  let running: Promise<boolean> | undefined;
  return () => {
    running ??= outcomeOf(check).finally(() => {
      running = undefined;
    });
    const late = (): Error => new Error('late');
    // Nothing but the time limit fails: a check that throws has said no.
    return within(timeoutMs, running, late, { keepsAlive: true }).catch(() => false);
  };
}

async function outcomeOf(check: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return (await check()) === true;
  } catch {
    return false; // it could not be asked, so it did not say yes
  }
}
