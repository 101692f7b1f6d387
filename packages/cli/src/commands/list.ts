import type { EnvironmentOverview } from '@colorway/registry';
import { formatDuration } from '../duration.js';
import { table } from '../output.js';
import type { Session } from '../session.js';
import { aliveSince, isAliveAlone, summary } from './summary.js';

export async function listEnvironments({ coloring, output }: Session): Promise<void> {
  output.answer(await coloring.overview(), (environments) => {
    if (environments.length === 0) return 'There is no environment. Make one: colorway env create <color>';
    const now = Date.now();
    const rows = environments.map((one) => {
      const { color, owner, createdAt, lastUsedAt, services } = one;
      const since = createdAt ?? aliveSince(services);
      return [
        color,
        owner ?? '- (no record)',
        since === undefined ? '-' : formatDuration(now - since),
        lastUsedAt === undefined ? '-' : `${formatDuration(now - lastUsedAt)} ago`,
        expiry(one, now),
        services.map(summary).join(', ') || '-',
      ];
    });
    return table(['COLOR', 'OWNER', 'AGE', 'LAST USED', 'EXPIRES', 'SERVICES (ALIVE)'], rows);
  });
}

function expiry({ expiresAt, services }: EnvironmentOverview, now: number): string {
  if (expiresAt !== undefined) return expiresAt > now ? `in ${formatDuration(expiresAt - now)}` : 'now';
  return isAliveAlone(services) ? 'with what is alive' : 'never';
}
