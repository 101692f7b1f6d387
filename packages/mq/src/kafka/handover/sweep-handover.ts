import type { Color, StateEntry } from '@colorway/core';
import { parseHandoverKey, stateKey } from '../../ownership/handover-keys.js';
import type { Transition } from '../../ownership/handover-state.js';
import { stillNeeded } from '../../ownership/past.js';
import { type Remains, type SweepPlan, sweepPlan } from '../../ownership/sweep-plan.js';
import type { GroupAdmin } from '../group-admin.js';
import { eachByItself } from './each-by-itself.js';
import type { TopicHandover } from './topic-handover.js';

/** Deletions of one color under way at once. */
const AT_ONCE = 4;

export interface SweepOptions {
  /** This color alone. Default: all. */
  readonly color?: Color;
  /** Where the baseline's group reads on in a partition: see {@link reachedBy}. Asked when it matters. */
  readonly reached: () => Promise<(partition: number) => bigint>;
}

/**
 * Takes out of the directory what nobody needs any more, so that it holds what concerns the living colors.
 * Anybody may do it, several at once, and stop at any point: first an epoch is folded into its entry, then its
 * fences are deleted, then the entry, when the baseline has read past all that the color had.
 *
 * @returns whether something is left that a later sweep has to look at.
 * @throws what failed first, when all else was done: one color stops no other.
 */
export async function sweepHandover(
  handover: TopicHandover,
  { color, reached }: SweepOptions,
): Promise<boolean> {
  // What is known tells where there may be something; what is deleted, and whether it may be, a read tells.
  const colors = color === undefined ? handover.over : [color];
  if (colors.length === 0) return false;
  const byColor = new Map<Color, StateEntry[]>();
  for (const entry of await handover.listEach(colors)) {
    const of = parseHandoverKey(handover.prefix, entry.key)?.color;
    if (of === undefined) continue;
    const known = byColor.get(of);
    if (known === undefined) byColor.set(of, [entry]);
    else known.push(entry);
  }
  const ask = once(reached);
  let isLeft = false;
  const failures = await eachByItself([...byColor.values()], async (entries) => {
    if (await sweepColor(handover, sweepPlan(handover.prefix, entries), ask)) isLeft = true;
  });
  if (failures.length > 0) throw failures[0];
  return isLeft;
}

/** In this order: an entry that goes before its fences leaves them without one. */
async function sweepColor(
  handover: TopicHandover,
  plan: SweepPlan,
  reached: SweepOptions['reached'],
): Promise<boolean> {
  for (const unfolded of plan.unfolded) await foldInPlace(handover, unfolded);
  await deleteAll(handover, plan.folded);
  await deleteStray(handover, plan);
  let isLeft = plan.unfolded.length > 0;
  for (const remains of plan.remains) if (await clearRemains(handover, remains, reached)) isLeft = true;
  return isLeft;
}

/**
 * Where a group reads on: what it has committed, and where it would start in a partition without a commit.
 * Its members stand there or behind it.
 */
export async function reachedBy(
  admin: GroupAdmin,
  group: string,
  topic: string,
  fromBeginning: boolean,
): Promise<(partition: number) => bigint> {
  const committed = await admin.committed(group, topic);
  const starts = await admin.starts(topic, fromBeginning);
  return (partition) => committed.get(partition) ?? starts.get(partition) ?? 0n;
}

/** Transitions fold what is over before they decide; so this one has nothing to change. */
async function foldInPlace(handover: TopicHandover, color: Color): Promise<void> {
  await handover.transition(color, (state): Transition => {
    return state.kind === 'absent' && state.since !== undefined
      ? { kind: 'next', state }
      : { kind: 'refused', reason: 'wrong-state', state };
  });
}

async function deleteStray(handover: TopicHandover, { stray }: SweepPlan): Promise<void> {
  for (const [color, fences] of stray) {
    // Each was made after an entry was written: if none stands now, that one is gone.
    const again = await handover.list(color);
    const key = stateKey(handover.prefix, color);
    if (!again.some((entry) => entry.key === key)) await deleteAll(handover, fences);
  }
}

/** Whether something is left of them. */
async function clearRemains(
  handover: TopicHandover,
  { color, entry, state }: Remains,
  reached: SweepOptions['reached'],
): Promise<boolean> {
  const past = state.past && stillNeeded(state.past, await reached());
  // An epoch is later than this one only if it begins later: until then its number is kept here.
  if ((past === undefined || past.size === 0) && state.epoch < Date.now()) {
    await handover.delete(entry);
    return false;
  }
  if (past !== undefined && past.size < (state.past?.size ?? 0)) {
    await handover.transition(color, (standing): Transition => {
      const same = standing.kind === 'absent' && standing.epoch === state.epoch;
      return same
        ? { kind: 'next', state: { ...standing, past } }
        : { kind: 'refused', reason: 'other-epoch', state: standing };
    });
  }
  return true;
}

async function deleteAll(handover: TopicHandover, entries: readonly StateEntry[]): Promise<void> {
  for (let at = 0; at < entries.length; at += AT_ONCE)
    await Promise.all(entries.slice(at, at + AT_ONCE).map((entry) => handover.delete(entry)));
}

function once<T>(ask: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= ask();
    return asked;
  };
}
