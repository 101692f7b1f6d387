import type { Color } from '@colorway/core';
import { nextStepForEmptyGroup } from '../../ownership/empty-group-step.js';
import { type EpochStep, nextEpochStep } from '../../ownership/epoch-step.js';
import { handoverHere } from '../../ownership/fences.js';
import { claimClosing, close, type Handover } from '../../ownership/handover-state.js';
import type { GroupAdmin } from '../group-admin.js';
import type { MqRuntime } from '../mq-runtime.js';
import type { TopicHandover } from './topic-handover.js';

/** A closer that was not heard of for so long is taken to be dead. */
const CLOSER_MS = 30_000;

export interface EpochSetting {
  readonly handover: TopicHandover;
  readonly runtime: MqRuntime;
  readonly admin: GroupAdmin;
}

/** What is due for a color's epoch in a topic, after the fences of groups without members were made. */
export async function lookAtEpoch(
  setting: EpochSetting & { readonly fromBeginning: boolean },
  color: Color,
): Promise<EpochStep> {
  const { handover, admin } = setting;
  const logs = await admin.logs(handover.topic);
  const partitions = [...logs.keys()];
  await fenceForEmptyGroups(setting, color, partitions);
  const fences = handover.table;
  const draining = fences.colors.get(color)?.handover.kind === 'draining';
  const group = handover.coloredGroup(color);
  const offsets = draining ? await admin.committed(group, handover.topic) : new Map<number, bigint>();
  const facts: { members?: boolean; shared?: boolean } = {};
  for (;;) {
    // Only what the decision asks for is asked of others.
    let missing: keyof typeof facts | undefined;
    const fact = (name: keyof typeof facts): boolean => {
      if (facts[name] === undefined) missing ??= name;
      return facts[name] ?? false;
    };
    const step = nextEpochStep({
      ...{ fences, color, partitions, closer: setting.runtime.by },
      committed: (partition) => offsets.get(partition),
      logStart: (partition) => logs.get(partition)?.low,
      members: () => fact('members'),
      shared: () => fact('shared'),
    });
    if (missing === undefined) return step;
    if (missing === 'members') facts.members = await admin.hasMembers(group, handover.topic);
    else facts.shared = await isShared(setting, color);
  }
}

async function fenceForEmptyGroups(
  { handover, admin, fromBeginning }: EpochSetting & { readonly fromBeginning: boolean },
  color: Color,
  partitions: readonly number[],
): Promise<void> {
  const { topic } = handover;
  for (const group of ['baseline', 'colored'] as const) {
    const asks = partitions.map((partition) =>
      nextStepForEmptyGroup({ here: handoverHere(handover.table, color, partition), evidence: undefined }),
    );
    const ask = asks.find((step) => step.kind === 'see-group-empty' && step.group === group);
    if (ask?.kind !== 'see-group-empty') continue;
    const id = group === 'baseline' ? handover.group : handover.coloredGroup(color);
    // In this order: the state is known, then the group is seen empty, then its offsets are read.
    if (await admin.hasMembers(id, topic)) continue;
    const committed = withinLog(await admin.committed(id, topic), await admin.ends(topic));
    const starts =
      group === 'baseline' ? await admin.starts(topic, fromBeginning) : new Map<number, bigint>();
    for (const partition of partitions) {
      const offset = committed.get(partition) ?? starts.get(partition);
      const step = nextStepForEmptyGroup({
        here: handoverHere(handover.table, color, partition),
        evidence: { group, known: ask.known, committed: offset },
      });
      if (step.kind === 'none' || step.kind === 'see-group-empty' || step.kind === 'refresh-view') continue;
      const fence =
        step.kind === 'create-join-fence' ? 'join' : step.kind === 'create-stop-fence' ? 'stop' : 'leave';
      await handover.createFence(color, step.epoch, fence, partition, step.offset);
    }
  }
}

/** Without offsets that the log has not reached: they are of a topic that was deleted and made again. */
function withinLog(
  committed: ReadonlyMap<number, bigint>,
  ends: ReadonlyMap<number, bigint>,
): ReadonlyMap<number, bigint> {
  return new Map([...committed].filter(([partition, offset]) => offset <= (ends.get(partition) ?? 0n)));
}

/**
 * Ends the epoch; false where another topic has to come first.
 *
 * A broker deletes a group with all its offsets, those of other topics too: so it is deleted when no other
 * topic of the group needs it. Not to delete it is safe: its offsets are not behind the leave fence, and the
 * next join fence is not before that.
 */
export async function closeEpoch(
  { handover, runtime, admin }: EpochSetting,
  color: Color,
  epoch: number,
): Promise<boolean> {
  const { by } = runtime;
  const siblings = await runtime.siblings(handover, color);
  const unclaimed = ({ kind, ...rest }: Handover): boolean =>
    kind === 'leaving' || (kind === 'draining' && !('closer' in rest));
  if (siblings.some(unclaimed)) return false;
  const needed = siblings.some(
    (state) =>
      state.kind === 'joining' ||
      state.kind === 'active' ||
      (state.kind === 'draining' && state.closer !== by),
  );
  if (!needed) await admin.deleteGroup(handover.coloredGroup(color));
  await handover.transition(color, (standing) => close(standing, epoch, by));
  return true;
}

/** Other topics of the group have the color still: its consumers stay, and so does the broker's group. */
async function isShared({ handover, runtime }: EpochSetting, color: Color): Promise<boolean> {
  const siblings = await runtime.siblings(handover, color);
  return siblings.some(({ kind }) => kind === 'joining' || kind === 'active');
}

/** By color: whom it waits for, and since when. */
export type Closers = Map<Color, { readonly mark: string; readonly since: number }>;

/** @param closers kept by the caller. */
export async function replaceDeadCloser(
  { handover, runtime }: Pick<EpochSetting, 'handover' | 'runtime'>,
  color: Color,
  closers: Closers,
): Promise<void> {
  const state = handover.table.colors.get(color)?.handover;
  if (state?.kind !== 'draining' || state.closer === undefined) return;
  const { closer, epoch } = state;
  const mark = `${epoch} ${closer}`;
  const known = closers.get(color);
  if (known?.mark !== mark) closers.set(color, { mark, since: performance.now() });
  else if (performance.now() - known.since > CLOSER_MS) {
    closers.delete(color);
    await handover.transition(color, (standing) => claimClosing(standing, epoch, runtime.by, closer));
  }
}
