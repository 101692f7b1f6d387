import type { LeaveWork } from '../../leaving/index.js';
import { compareHandovers, leave } from '../../ownership/handover-state.js';
import type { HandoverReconciler } from '../handover/handover-reconciler.js';
import type { TopicHandover } from '../handover/topic-handover.js';
import { awaitAbsent } from './await-absent.js';

/** Takes a color out of a topic of this consumer's group. The reconcilers and members of all processes do the rest. */
export async function withdrawTopic(
  handover: TopicHandover,
  reconciler: HandoverReconciler,
  work: LeaveWork,
): Promise<void> {
  const { color, onLeave, signal } = work;
  const begun = await handover.transition(color, (standing) => leave(standing, standing.epoch, onLeave));
  if (begun.state.kind === 'absent') return;
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
