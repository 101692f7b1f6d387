import type { Environment } from '@colorway/registry';
import { formatDuration } from '../duration.js';
import type { Session } from '../session.js';
import { notYours, sure } from './sure.js';

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
    by: user,
    ...(ttlMs !== undefined && { ttlMs }),
  });
  output.answer({ environment, services }, () => {
    const contains = services.length > 0 ? ` It contains ${services.join(', ')}.` : '';
    return `Environment ${color} is there, ${expiry(environment)}.${contains}\nStart the branch with COLORING_ENV=${color}, and send x-infr-flowtype: CE_${color}.`;
  });
}

export interface ExtendOptions {
  readonly ttlMs: number | undefined;
  readonly reason: string | undefined;
  readonly yes: true | undefined;
}

export async function extendEnvironment(
  session: Session,
  color: string,
  { ttlMs, reason, yes }: ExtendOptions,
): Promise<void> {
  const { coloring, output, user } = session;
  const whose = notYours(await coloring.environments.get(color), user);
  if (whose !== '') await sure(session, yes, `Change when environment ${color} expires? ${whose}`);
  const environment = await coloring.environments.extend(color, {
    by: user,
    ...(ttlMs !== undefined && { ttlMs }),
    ...(reason !== undefined && { reason }),
  });
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
