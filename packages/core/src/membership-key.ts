import { type Color, isColor } from './color.js';

/** All memberships stand below this prefix: `CE_<service>/<color>`. */
export const MEMBERSHIP_PREFIX = 'CE_';

export function membershipKey(service: string, color: Color): string {
  return `${MEMBERSHIP_PREFIX}${service}/${color}`;
}

/** `undefined` for a key that is no membership: somebody else may write into the same store. */
export function parseMembershipKey(key: string): { service: string; color: Color } | undefined {
  const slash = key.lastIndexOf('/');
  if (!key.startsWith(MEMBERSHIP_PREFIX) || slash <= MEMBERSHIP_PREFIX.length) return undefined;
  const color = key.slice(slash + 1);
  return isColor(color) ? { service: key.slice(MEMBERSHIP_PREFIX.length, slash), color } : undefined;
}
