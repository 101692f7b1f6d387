import { formatDuration } from '../duration.js';

/** What of a leave is shown. Times are milliseconds since the epoch. */
export interface LeaveLine {
  readonly service: string;
  readonly group: string;
  readonly topic?: string | undefined;
  readonly state: string;
  readonly remaining?: number | undefined;
  readonly waitingFor?: string | undefined;
  readonly since?: number | undefined;
  readonly remedy?: string | undefined;
}

/** How far one group, topic or queue is, what it waits for, for how long, and what to do: one line. */
export function leaveLine(progress: LeaveLine, now: number): string {
  const { service, group, topic, state } = progress;
  const what = topic === undefined ? group : `${group} of ${topic}`;
  return `  ${service}: ${what} ${state}${remainingText(progress)}${waitText(progress, now)}`;
}

export function remainingText({ remaining }: Pick<LeaveLine, 'remaining'>): string {
  if (remaining === undefined) return '';
  return remaining === 1 ? ', 1 message remains' : `, ${remaining} messages remain`;
}

/** ` waits for a consumer of GID_order, for 3m. Start one ...`, with a comma before; nothing where it waits for nothing. */
export function waitText(
  { waitingFor, since, remedy }: Pick<LeaveLine, 'waitingFor' | 'since' | 'remedy'>,
  now: number,
): string {
  if (waitingFor === undefined) return '';
  const seconds = since === undefined ? 0 : Math.round((now - since) / 1_000);
  const long = seconds < 1 ? '' : ` (for ${formatDuration(now - (since ?? now))})`;
  return `, waits for ${waitingFor}${long}${remedy === undefined ? '' : `. ${remedy}`}`;
}
