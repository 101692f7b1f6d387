import type { Color, StateEntry } from '@colorway/core';
import { stateKey } from '../../ownership/handover-keys.js';
import type { Transition } from '../../ownership/handover-state.js';
import { withLog } from '../../ownership/handover-state.js';
import { stillNeeded } from '../../ownership/past.js';
import { isOfAnotherLog, logOf, renew } from '../../ownership/renewal.js';
import { type Remains, type SweepPlan, sweepPlan } from '../../ownership/sweep-plan.js';
import type { GroupAdmin } from '../group-admin.js';
import type { TopicHandover } from './topic-handover.js';

/** Deletions under way at once. */
const AT_ONCE = 16;

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
 */
export async function sweepHandover(
  handover: TopicHandover,
  { color, reached }: SweepOptions,
): Promise<boolean> {
  // What is known tells where there may be something; what is deleted, and whether it may be, a read tells.
  const colors = color === undefined ? handover.over : [color];
  if (colors.length === 0) return false;
  const plan = sweepPlan(handover.prefix, await handover.listEach(colors));
  for (const unfolded of plan.unfolded) await foldInPlace(handover, unfolded);
  await deleteAll(handover, plan.folded);
  await deleteStray(handover, plan);
  const left = await Promise.all(plan.remains.map(remainsStep(handover, once(reached))));
  return plan.unfolded.length > 0 || left.includes(true);
}

/** The id of the topic as it is now. @param known the ids that the directory has: another one is not believed at once. */
export type LogId = (known: ReadonlySet<string>) => Promise<string | undefined>;

/** The ids of the topic that its colors are of. */
export function knownLogs({ table }: Pick<TopicHandover, 'table'>): ReadonlySet<string> {
  const logs = [...table.colors.values()].map(({ handover: state }) => logOf(state));
  return new Set(logs.filter((log) => log !== undefined));
}

/**
 * A topic that was deleted and made anew has another log, in which the boundaries of its colors mean nothing.
 * The id of the topic tells; where it is not known, a boundary that lies after the end of the log does.
 *
 * What is known of the colors tells of which that may be so; those alone are read and decided about. A color of which it is
 * known that it is of the log as it is now needs no read: no later state of it is of an earlier log. And one whose boundaries
 * are known to be in the log may have others by now, which were made in this log. Whoever has to know of all colors
 * has read them before.
 *
 * @param ends the offset after the last message, by partition; asked after the directory was read.
 * @param logId of the topic as it is now; asked after the directory was read too.
 * @param only this color. Default: all.
 * @returns the colors that begin anew, or are gone.
 */
export async function renewHandover(
  handover: TopicHandover,
  ends: () => Promise<ReadonlyMap<number, bigint>>,
  logId: LogId = async () => undefined,
  only?: Color,
): Promise<Color[]> {
  const all = await suspectsIn(handover, ends, logId);
  const suspects = only === undefined ? all : all.filter((color) => color === only);
  if (suspects.length === 0) return [];
  await handover.refreshEach(suspects);
  const { colors } = handover.table;
  const [end, log] = await Promise.all([ends(), logId(knownLogs(handover))]);
  const renewed: Color[] = [];
  for (const color of suspects) {
    const fences = colors.get(color);
    if (fences === undefined || fences.handover.kind === 'unreadable') continue;
    const state = fences.handover;
    if (!isOfAnotherLog(fences, log, (partition) => end.get(partition))) {
      if (log !== undefined && state.log === undefined)
        await handover.transition(color, (standing) => withLog(standing, state.epoch, log));
      continue;
    }
    const changed = await handover.transition(color, (standing, now) =>
      renew(standing, state.epoch, now, log),
    );
    if (changed.kind === 'next') renewed.push(color);
  }
  return renewed;
}

/** The colors that are of another log, or of nobody knows which, as far as is known. */
async function suspectsIn(
  handover: TopicHandover,
  ends: () => Promise<ReadonlyMap<number, bigint>>,
  logId: LogId,
): Promise<Color[]> {
  // In this order: a boundary that is made meanwhile may lie behind the end that was told.
  const { colors } = handover.table;
  if (colors.size === 0) return [];
  const [end, log] = await Promise.all([ends(), logId(knownLogs(handover))]);
  const suspects = new Set(handover.doubtful);
  for (const [color, fences] of colors) {
    const { handover: state } = fences;
    if (state.kind === 'unreadable') continue;
    const isUnknown = log !== undefined && state.log === undefined;
    if (isUnknown || isOfAnotherLog(fences, log, (partition) => end.get(partition))) suspects.add(color);
  }
  return [...suspects];
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

function remainsStep(
  handover: TopicHandover,
  reached: () => Promise<(partition: number) => bigint>,
): (remains: Remains) => Promise<boolean> {
  return async ({ color, entry, state }) => {
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
  };
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
