import { type Color, ColorwayError, quote } from '@colorway/core';
import type { TopicPartitionOffset } from '../client-types.js';
import { coloredGroup, colorOfGroup } from '../colored-group.js';
import type { ApplicationCommits, CommittingMember } from '../commits/application-commits.js';
import { activeDrain } from '../leaving/drain-context.js';

/** Offsets for one group at the broker. */
export interface RoutedOffsets {
  readonly brokerGroup: string;
  /** Of the drain whose messages these are; `undefined` for the application's own consumer. */
  readonly drain: CommittingMember | undefined;
  readonly offsets: TopicPartitionOffset[];
}

/**
 * Whose offsets these are, for a group that the application names: its own consumer's, or those of the drain
 * that hands out messages which a color left. A handler need not know: a message has one owner, so the offset
 * behind it tells whose it is, also where it is committed later, outside of the handler.
 *
 * @param own the group at the broker of what no drain handed out.
 */
export function routeOffsets(
  commits: ApplicationCommits,
  group: string,
  own: string,
  offsets: readonly TopicPartitionOffset[],
): RoutedOffsets[] {
  const routed = new Map<string, RoutedOffsets>();
  const active = activeDrain()?.brokerGroup;
  const activeHere =
    active !== undefined && commits.drainIn(active, group) !== undefined ? active : undefined;
  for (const one of offsets) {
    const { topic, partition, offset } = one;
    const drained = commits.handedOutFor(group, topic, partition, String(offset)) ?? activeHere;
    const brokerGroup = drained ?? own;
    const drain = drained === undefined ? undefined : commits.drainIn(drained, group);
    // What was drained is committed, else the drain would not be over.
    if (drained !== undefined && drain === undefined) continue;
    const route = routed.get(brokerGroup) ?? { brokerGroup, drain, offsets: [] };
    route.offsets.push(one);
    routed.set(brokerGroup, route);
  }
  return [...routed.values()];
}

/**
 * The group at the broker of a group that the application names in `sendOffsets`.
 * @throws ColorwayError `COLORWAY_GROUP_UNKNOWN` where the offsets could be the baseline's or the color's.
 */
export function groupNamed(
  commits: ApplicationCommits,
  color: Color | undefined,
  name: string,
): { readonly group: string; readonly brokerGroup: string } {
  if (commits.knows(name)) {
    return { group: name, brokerGroup: color === undefined ? name : coloredGroup(name, color) };
  }
  const named = colorOfGroup(name);
  const group = named?.groups.find((one) => commits.knows(one));
  if (named !== undefined && group !== undefined) {
    const drained = activeDrain();
    if (named.color === color || drained?.brokerGroup === name) return { group, brokerGroup: name };
    throw unknown(
      `${quote(name)} is what ${quote(group)} is called in color ${quote(named.color)}, and this instance is ${color === undefined ? 'of the baseline' : `of color ${quote(color)}`}: its offsets are not this one's to commit. Name ${quote(group)}.`,
    );
  }
  if (color === undefined) return { group: name, brokerGroup: name };
  throw unknown(
    `sendOffsets names the group ${quote(name)}, which no consumer of this coloring reads: in color ${quote(color)} nobody can tell whether the offsets are the baseline's or ${quote(coloredGroup(name, color))}'s. Make the group's consumer with coloredKafka of the same coloring, before; or, where its consumer is not colored at all, use a transaction of the client that is not wrapped.`,
  );
}

function unknown(message: string): ColorwayError {
  return new ColorwayError('COLORWAY_GROUP_UNKNOWN', message);
}
