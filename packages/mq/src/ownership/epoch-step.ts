import type { Color } from '@colorway/core';
import { type FenceTable, handoverHere } from './fences.js';
import type { Handover } from './handover-state.js';
import { highest } from './offset.js';
import { committedOrKept } from './progress.js';

/** What the epoch as a whole looks like; read linearizable, because the next state is built on it. */
export interface EpochSituation {
  readonly fences: FenceTable;
  readonly color: Color;
  /** All partitions of the topic. */
  readonly partitions: readonly number[];
  /** The colored group's committed offset in a partition, `undefined` for none; asked while draining only. */
  readonly committed: (partition: number) => bigint | undefined;
  /** Where the log of a partition begins: what retention has deleted nobody can handle any more. */
  readonly logStart?: (partition: number) => bigint | undefined;
  /** Whether the colored group has members; asked when everything is drained. */
  readonly members: () => boolean;
  /**
   * Whether the color stays in other topics of the same group at the broker: then its members stay too, and
   * the group is not deleted. What they hold of this topic is behind its leave fence, and they take no more of it.
   */
  readonly shared?: () => boolean;
  /** This process, as it would claim the closing. */
  readonly closer: string;
}

/** The change of state that is due: by compare-and-set, over the state that was read. */
export type EpochStep =
  | { readonly kind: 'none' }
  | { readonly kind: 'activate'; readonly epoch: number }
  | { readonly kind: 'start-draining'; readonly epoch: number }
  /**
   * Messages below the leave fence are left. The colored group's members handle them; where there are none,
   * a baseline instance joins that group and runs the baseline's handler on this color's messages alone.
   */
  | {
      readonly kind: 'drain';
      readonly epoch: number;
      readonly by: 'members' | 'baseline';
      readonly left: readonly Left[];
    }
  | { readonly kind: 'claim-closing'; readonly epoch: number }
  /** Delete the broker's group, then write `absent`: in this order, and by the closer alone. */
  | { readonly kind: 'delete-group-and-close'; readonly epoch: number }
  | {
      readonly kind: 'wait';
      readonly for: 'fences' | 'members-to-leave' | 'other-closer' | 'readable-entry';
    };

/** Offsets `from` (inclusive) to `to` (exclusive) of a partition: at most so many messages are to be drained. */
export interface Left {
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** At most so many. */
export function messagesLeft(left: readonly Left[]): number {
  return left.reduce((sum, { from, to }) => sum + Number(to - from), 0);
}

/** Pure. Anybody may ask and act, several at once: the compare-and-set lets one through. */
export function nextEpochStep(situation: EpochSituation): EpochStep {
  const { fences, color } = situation;
  const handover = fences.colors.get(color)?.handover;
  if (handover === undefined || handover.kind === 'absent') return { kind: 'none' };
  if (handover.kind === 'unreadable') return { kind: 'wait', for: 'readable-entry' };
  const { kind, epoch } = handover;
  switch (kind) {
    case 'joining':
      return every(situation, 'join') ? { kind: 'activate', epoch } : { kind: 'wait', for: 'fences' };
    case 'active':
      return { kind: 'none' };
    case 'leaving':
      return every(situation, 'leave') ? { kind: 'start-draining', epoch } : { kind: 'wait', for: 'fences' };
    case 'draining':
      return drainingStep(situation, handover);
  }
}

function drainingStep(
  situation: EpochSituation,
  { epoch, closer }: Extract<Handover, { kind: 'draining' }>,
): EpochStep {
  const mustGo = (): boolean => situation.members() && !(situation.shared?.() ?? false);
  if (closer !== undefined) {
    // All was drained when it was claimed; to look again would mistake deleted offsets for work left.
    if (closer !== situation.closer) return { kind: 'wait', for: 'other-closer' };
    return mustGo() ? { kind: 'wait', for: 'members-to-leave' } : { kind: 'delete-group-and-close', epoch };
  }
  const left: Left[] = [];
  for (const partition of joined(situation)) {
    const here = handoverHere(situation.fences, situation.color, partition);
    const { join, leave } = here.current;
    if (leave === undefined) return { kind: 'wait', for: 'fences' };
    const committed = committedOrKept(situation.committed(partition), here);
    const from = highest(committed, join, situation.logStart?.(partition));
    if (from < leave) left.push({ partition, from, to: leave });
  }
  if (left.length > 0)
    return { kind: 'drain', epoch, by: situation.members() ? 'members' : 'baseline', left };
  return mustGo() ? { kind: 'wait', for: 'members-to-leave' } : { kind: 'claim-closing', epoch };
}

function every({ fences, color, partitions }: EpochSituation, fence: 'join' | 'leave'): boolean {
  return partitions.every((partition) => handoverHere(fences, color, partition).current[fence] !== undefined);
}

/** The partitions with a join fence in this epoch: those alone have anything to drain. */
function joined({ fences, color }: EpochSituation): number[] {
  const known = [...(fences.colors.get(color)?.partitions.keys() ?? [])];
  return known.filter((partition) => handoverHere(fences, color, partition).current.join !== undefined);
}
