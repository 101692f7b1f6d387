import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { ColorwayError, type InstanceRecord, quote, type RegisterOptions } from '@colorway/core';
import { backoffMs, reasonOf, sleep, unlessAborted, within } from '@colorway/core/background';

/** Asks the service once whether it is ready: `undefined` when it is, else why not. */
export type ReadyCheck = () => Promise<string | undefined>;

/** How long one answer may take. */
const ANSWER_MS = 2_000;
const MAX_PAUSE_MS = 1_000;

/**
 * The check that a service brings when it registers; `undefined` when it brings none.
 * @throws ColorwayError `COLORWAY_INVALID_OPTION`
 */
export function readyCheck(
  { ready, server }: RegisterOptions,
  record: InstanceRecord,
): ReadyCheck | undefined {
  if (ready === undefined) return undefined;
  if (typeof ready === 'function')
    return async () => ((await ready()) === true ? undefined : 'its readiness check says no');
  if (typeof ready === 'string' && ready.startsWith('/')) {
    const address = server?.address();
    return () => getReady(record, typeof address === 'object' ? address : null, ready);
  }
  throw new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `ready: ${quote(ready)} must be a function that says true, or a path like "/ready" on the instance's own port.`,
  );
}

/**
 * Asks again and again, with pauses that grow to a second, until the answer is yes or the signal is aborted. A question
 * that is not answered is not asked a second time: its answer counts when it comes.
 */
export async function untilReady(
  check: ReadyCheck,
  signal: AbortSignal,
  onRefusal: (why: string) => void,
): Promise<void> {
  let asked: Promise<string | undefined> | undefined;
  for (let attempt = 0; !signal.aborted; attempt++) {
    asked ??= startCheck(check)
      .catch(reasonOf)
      .then((why) => {
        asked = undefined;
        return why;
      });
    const why = await unlessAborted(signal, within(ANSWER_MS, asked, unanswered)).catch(reasonOf);
    if (why === undefined || signal.aborted) return;
    onRefusal(why);
    await sleep(backoffMs(attempt, MAX_PAUSE_MS), signal);
  }
}

/** A check that throws at once is one that says no. */
async function startCheck(check: ReadyCheck): Promise<string | undefined> {
  return check();
}

function unanswered(): ColorwayError {
  return new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `its readiness check has not answered within ${ANSWER_MS} ms`,
  );
}

/** 2xx is a yes. The certificate is the instance's own, made for the name under which others call it. */
function getReady(
  { host, port, secure }: InstanceRecord,
  bound: AddressInfo | null,
  path: string,
): Promise<string | undefined> {
  const own = bound === null ? host : ownAddress(bound.address);
  const options = { host: own, port, path, agent: false, timeout: ANSWER_MS, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    const request = (secure === true ? https : http).get(options, (response) => {
      const status = response.statusCode ?? 0;
      response.resume();
      resolve(status >= 200 && status < 300 ? undefined : `GET ${path} answered ${status}`);
    });
    request.once('timeout', () => request.destroy()).once('error', reject);
  });
}

/** A server that listens on all addresses can be reached on the loopback. */
function ownAddress(address: string): string {
  if (address === '::') return '::1';
  return address === '0.0.0.0' ? '127.0.0.1' : address;
}
