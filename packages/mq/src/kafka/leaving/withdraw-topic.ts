import type { LeaveWork } from '../../leaving/index.js';
import { compareHandovers, leave } from '../../ownership/handover-state.js';
import type { HandoverReconciler } from '../handover/handover-reconciler.js';
import type { TopicHandover } from '../handover/topic-handover.js';
import { awaitAbsent } from './await-absent.js';

/**
 * Takes a color out of a topic of this consumer's group. The reconcilers and members of all processes do the rest.
 *
 * Whether it still leaves is asked between the read of its state and the write: a color that joins again says so first, and
 * changes its state then. So an answer that comes late, from a directory that was away, ends no epoch that began since.
 */
export async function withdrawTopic(
  handover: TopicHandover,
  reconciler: HandoverReconciler,
  work: LeaveWork,
): Promise<void> {
  const { color, onLeave, signal } = work;
  const begun = await handover.transition(color, async (standing) =>
    (await work.isLeaving())
      ? leave(standing, standing.epoch, onLeave)
      : { kind: 'refused', reason: 'not-leaving', state: standing },
  );
  const isOver = begun.kind === 'refused' && begun.reason === 'not-leaving';
  if (isOver || begun.state.kind === 'absent') return;
  const { epoch } = begun.state;
  const unlisten = reconciler.onProgress((of, progress) => {
    if (of === color) work.progress(progress);
  });
  reconciler.look(color);
  try {
    await awaitAbsent(handover, color, {
      isOver: (state) => compareHandovers(state, { kind: 'absent', epoch }) >= 0,
      signal,
    });
  } finally {
    unlisten();
  }
}
