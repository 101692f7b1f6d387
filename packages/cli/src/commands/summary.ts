import type { EnvironmentOverview } from '@colorway/registry';

type Service = EnvironmentOverview['services'][number];

/** `order (2)`: how many instances are alive; of one that only consumes, whether it does. */
export function summary({ service, instances, consumes }: Service): string {
  if (instances > 0 || consumes.length === 0) return `${service} (${instances})`;
  return `${service} (${consumes.every(({ alive }) => alive) ? 'consuming' : 'not consuming'})`;
}

/** Whether nothing of a color without an environment is declared: it is there for as long as something is alive in it. */
export function isAliveAlone(services: readonly Service[]): boolean {
  return services.length > 0 && services.every(({ declared }) => !declared);
}

/** When the first living instance of them began to serve. */
export function aliveSince(services: readonly Service[]): number | undefined {
  const starts = services.flatMap(({ aliveSince: at }) => (at === undefined ? [] : [at]));
  return starts.length === 0 ? undefined : Math.min(...starts);
}
