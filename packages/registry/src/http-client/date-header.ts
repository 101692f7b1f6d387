import type { HttpAnswer } from './http-client.js';

/** When the server answered by its own clock, in milliseconds since the epoch, to a second. @throws Error without one */
export function dateOf(answer: HttpAnswer): number {
  const ms = Date.parse(answer.header('date') ?? '');
  if (Number.isFinite(ms)) return ms;
  throw new Error('its answer has no Date');
}
