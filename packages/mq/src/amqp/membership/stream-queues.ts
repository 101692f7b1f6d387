import { ColorwayError, quote } from '@colorway/core';

/** Whether arguments of `assertQueue` or `consume` say that a queue is a stream. */
export function isStream(args: unknown): boolean {
  if (typeof args !== 'object' || args === null) return false;
  return Reflect.get(args, 'x-queue-type') === 'stream' || Reflect.get(args, 'x-stream-offset') !== undefined;
}

/** A color whose queue were a stream could not leave: what was read stays, so the queue is never empty. */
export function streamRefused(queue: string): ColorwayError {
  return new ColorwayError(
    'COLORWAY_INVALID_OPTION',
    `Queue ${quote(queue)} is a stream, and a stream can have no colors: what was read stays in it, so nothing tells when a color has ` +
      'handled its part. Use a quorum queue, or list it in the option plain.',
  );
}
