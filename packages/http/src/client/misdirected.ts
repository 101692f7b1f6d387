import type { IncomingHttpHeaders } from 'node:http';
import { ColorwayError, MISDIRECTED_HEADER } from '@colorway/core';

/**
 * What an instance answers, with `MISDIRECTED_HEADER`, to a request for another one (421: RFC 9110, 15.5.20), and to an upgrade
 * while it is going away (503). Without the header a 503 is the application's, which may have done anything.
 */
export function maySayMisdirected(status: number | undefined): boolean {
  return status === 421 || status === 503;
}

/** Whether an answer says that its instance is another one, or going away, and has done nothing. */
export function isMisdirected(status: number | undefined, headers: IncomingHttpHeaders): boolean {
  return maySayMisdirected(status) && headers[MISDIRECTED_HEADER] !== undefined;
}

const WHY = 'addresses are used again, and the directory does not know yet. Nothing was done.';

/** Every instance that there is has said that it is another one. @param wanted see `formatWanted` of the core */
export function nobodyLeft(wanted: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_INSTANCE_MISDIRECTED',
    `Every instance that the directory tells of for ${named(wanted)} answers that it is another one, or going away: ${WHY} ` +
      'Let instances deregister when they end (SIGTERM and SIGINT), and announce no two under one address.',
  );
}

/** An instance has said that it is another one, and the request cannot be sent once more from here. */
export function cannotGoOn(wanted: string): ColorwayError {
  const error = new ColorwayError(
    'COLORWAY_INSTANCE_MISDIRECTED',
    `The instance that was chosen for ${named(wanted)} answers that it is another one, or going away: ${WHY} ` +
      'The body is a stream that has begun, or the client cannot send it twice: send the request once more, and it goes to another instance.',
  );
  others.add(error);
  return error;
}

/** Whether whoever still has the request may send it once more. */
export function mayGoOn(error: unknown): boolean {
  return others.has(error as ColorwayError);
}

const others = new WeakSet<ColorwayError>();

function named(wanted: string): string {
  const slash = wanted.lastIndexOf('/');
  const color = wanted.slice(slash + 1);
  return `${color === '' ? 'the baseline' : `color "${color}"`} of service "${wanted.slice(0, slash)}"`;
}
