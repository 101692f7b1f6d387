import type { Color, ColorwayError } from '@colorway/core';
import { GroupNames } from '../names.js';

const NAMES = new GroupNames({ limit: 'kafka' });
/** Stands for any color: the longest that there can be. */
const ANY = 'c'.repeat(63);

/** `GID_order` -> `GID_<color>_order`. @throws ColorwayError `COLORWAY_GROUP_NAME` */
export function coloredGroup(group: string, color: Color): string {
  return NAMES.colored(group, color);
}

/** What is wrong with these groups together: too long for some color, or `GID_orders` beside `orders`. */
export function groupProblem(groups: Iterable<string>, color: Color = ANY): ColorwayError | undefined {
  return NAMES.lint(groups, [color])[0];
}

/** The color and the groups of which this may be the colored name; `undefined` for a name that is none. */
export function colorOfGroup(
  group: string,
): { readonly color: Color; readonly groups: readonly string[] } | undefined {
  const parsed = NAMES.parse(group);
  return parsed && { color: parsed.color, groups: parsed.baseline };
}

/** The key under which the first group of a name keeps it, for all processes. */
export function groupNameKey(group: string): string {
  return `mq-names/kafka/${encodeURIComponent(coloredGroup(group, 'c'))}`.slice(0, 512);
}
