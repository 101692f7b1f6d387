import type { EnvironmentOverview } from '@colorway/registry';

type Service = EnvironmentOverview['services'][number];

/** `order (2)`: how many instances are alive; of one that only consumes, whether it does. */
export function summary({ service, instances, consumes }: Service): string {
  if (instances > 0 || consumes.length === 0) return `${service} (${instances})`;
  return `${service} (${consumes.every(({ alive }) => alive) ? 'consuming' : 'not consuming'})`;
}
