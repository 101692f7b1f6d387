import { type Color, ColorwayError, quote } from '@colorway/core';
import type { StoredEnvironment } from './environment.js';

/** @param found what stands where the environment would, if anything does. */
export function environmentUnknown(color: Color, found: StoredEnvironment | undefined): ColorwayError {
  const other = found !== undefined && !found.ending && found.color !== color;
  return new ColorwayError(
    'COLORWAY_ENVIRONMENT_UNKNOWN',
    other
      ? `There is no environment ${quote(color)}; there is ${quote(found.color)}, which differs by case.`
      : `There is no environment ${quote(color)}. Create it first.`,
  );
}

/** @param standing `undefined` for what cannot be read. */
export function environmentExists(color: Color, standing: StoredEnvironment | undefined): ColorwayError {
  return new ColorwayError(
    'COLORWAY_ENVIRONMENT_EXISTS',
    standing === undefined
      ? `The key of environment ${quote(color)} is taken by something that cannot be read. Delete the environment first.`
      : standing.color === color
        ? `Environment ${quote(color)} exists already; its owner is ${quote(standing.owner)}. Extend it, or take another color.`
        : `Environment ${quote(standing.color)} exists, and ${quote(color)} differs from it by case alone. Use ${quote(standing.color)}, or another color.`,
  );
}
