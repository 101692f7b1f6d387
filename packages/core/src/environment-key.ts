import type { Color } from './color.js';

/** All environments stand below this prefix. */
export const ENVIRONMENT_PREFIX = 'env/';

/** In lower case, so that creating the key if absent keeps two colors apart that differ by case alone. */
export function environmentKey(color: Color): string {
  return ENVIRONMENT_PREFIX + color.toLowerCase();
}
