import { table } from '../output.js';
import type { Session } from '../session.js';

/** Who made an environment, and who changed it, the oldest first. */
export async function environmentHistory({ coloring, output }: Session, color: string): Promise<void> {
  const changes = await coloring.environments.history(color);
  output.answer({ color, changes }, ({ changes }) => {
    if (changes.length === 0) return `Nothing is known of who made environment ${color}.`;
    const rows = changes.map(({ at, by, act, service, reason }) => [
      time(at),
      by,
      service === undefined ? act : `${act} ${service}`,
      reason ?? '',
    ]);
    return table(['WHEN', 'WHO', 'WHAT', 'WHY'], rows);
  });
}

/** Anybody may have written it. */
function time(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.valueOf()) ? String(at) : date.toISOString();
}
