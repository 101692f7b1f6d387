import { type Color, type Coloring, ColorwayError, quote } from '@colorway/core';

/**
 * A colored consumer in an environment that nobody made would wait for messages that nobody sends.
 * @throws ColorwayError `COLORWAY_ENVIRONMENT_UNKNOWN`
 */
export async function checkEnvironment(coloring: Coloring, group: string): Promise<void> {
  const { color } = coloring;
  if (color === undefined || (await environmentExists(coloring, color))) return;
  throw new ColorwayError(
    'COLORWAY_ENVIRONMENT_UNKNOWN',
    `Consumer group ${quote(group)} belongs to environment ${quote(color)}, which does not exist. Call coloring.register() first, or create the environment.`,
  );
}

/** True also where nobody can tell. */
export async function environmentExists(coloring: Coloring, color: Color): Promise<boolean> {
  return !hasEnvironments(coloring) || (await coloring.environments.get(color)) !== undefined;
}

/** What `createColoring` returns has them; a coloring of another make need not. */
function hasEnvironments(
  coloring: Coloring,
): coloring is Coloring & { readonly environments: { get(color: string): Promise<unknown> } } {
  return 'environments' in coloring;
}
