import type { EventEmitter } from 'node:events';
import type { RequestsInFlight } from '@colorway/core';
import type { Admission, SettledAdmission } from './admission.js';
import { WAITING } from './admitted.js';
import type { RawRequest } from './raw.js';

export type WaitingRequest = RawRequest & { [WAITING]?: boolean };

/**
 * Keeps a request until something is known, then decides `again`. It is in flight meanwhile, so that nothing that it needs
 * is closed. Node leaves an upgraded connection to whoever takes it: until somebody does, its errors end no process.
 */
export function whileWaiting(
  inFlight: RequestsInFlight,
  request: WaitingRequest,
  known: Promise<void>,
  again: () => Admission,
): Admission {
  const connection = request.upgrade === true ? (request.socket as EventEmitter | undefined) : undefined;
  request[WAITING] = true;
  inFlight.begin(false);
  connection?.on('error', ignore);
  const settled = known.then((): SettledAdmission | Promise<SettledAdmission> => {
    request[WAITING] = false;
    try {
      const admission = again();
      return admission.kind === 'wait' ? admission.settled : admission;
    } finally {
      inFlight.end(false);
      connection?.off('error', ignore);
    }
  });
  return { kind: 'wait', settled };
}

/** The connection is destroyed, which whoever takes it sees. */
function ignore(): void {}
