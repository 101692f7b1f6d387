import type { Environment } from '@colorway/registry';
import { formatDuration } from '../duration.js';
import type { Session } from '../session.js';

export interface CreateOptions {
  readonly services: readonly string[];
  readonly ttlMs: number | undefined;
  readonly owner: string | undefined;
}

export async function createEnvironment(
  { coloring, output, user }: Session,
  color: string,
  { services, ttlMs, owner = user }: CreateOptions,
): Promise<void> {
  const environment = await coloring.environments.create(color, {
    owner,
    services,
    ...(ttlMs !== undefined && { ttlMs }),
  });
  output.answer({ environment, services }, () => {
    const contains = services.length > 0 ? ` It contains ${services.join(', ')}.` : '';
    return `Environment ${color} is there, ${expiry(environment)}.${contains}\nStart the branch with COLORING_ENV=${color}, and send x-infr-flowtype: CE_${color}.`;
  });
}

export async function extendEnvironment(
  { coloring, output }: Session,
  color: string,
  ttlMs: number,
): Promise<void> {
  const environment = await coloring.environments.extend(color, { ttlMs });
  output.answer({ environment }, () => `Environment ${color} goes on, ${expiry(environment)}.`);
}

export async function declareService(
  { coloring, output }: Session,
  color: string,
  service: string,
): Promise<void> {
  const membership = await coloring.environments.declare(service, color);
  output.answer({ membership }, () => `Environment ${color} contains ${service} now.`);
}

function expiry({ expiresAt }: Environment): string {
  return `until ${new Date(expiresAt).toISOString()} (${formatDuration(expiresAt - Date.now())})`;
}
