import { formatDuration } from '../duration.js';
import { table } from '../output.js';
import type { Session } from '../session.js';
import { summary } from './summary.js';

export async function listEnvironments({ coloring, output }: Session): Promise<void> {
  output.answer(await coloring.overview(), (environments) => {
    if (environments.length === 0) return 'There is no environment. Make one: colorway env create <color>';
    const now = Date.now();
    const rows = environments.map(({ color, owner, createdAt, lastUsedAt, expiresAt, services }) => [
      color,
      owner ?? '- (no record)',
      createdAt === undefined ? '-' : formatDuration(now - createdAt),
      lastUsedAt === undefined ? '-' : `${formatDuration(now - lastUsedAt)} ago`,
      expiresAt === undefined ? 'never' : expiresAt > now ? `in ${formatDuration(expiresAt - now)}` : 'now',
      services.map(summary).join(', ') || '-',
    ]);
    return table(['COLOR', 'OWNER', 'AGE', 'LAST USED', 'EXPIRES', 'SERVICES (ALIVE)'], rows);
  });
}
