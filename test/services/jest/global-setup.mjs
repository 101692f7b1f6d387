// @ts-check
import { openServerHost } from './server-host.mjs';
import { openRun } from './test-run.mjs';

/** Starts no server: it only makes it possible to ask for one. */
export default async function globalSetup() {
  const host = await openServerHost();
  openRun(host.url);
  // jest loads set-up and tear-down apart from each other; the global object is what they have in common.
  Object.assign(globalThis, { colorwayServerHost: host });
}
