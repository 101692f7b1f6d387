import type { LeaveWork } from '../leaving/index.js';
import type { EpochStep } from '../ownership/epoch-step.js';
import { compareHandovers, leave } from '../ownership/handover-state.js';
import { awaitAbsent } from './await-absent.js';
import type { Custodian } from './custodian.js';
import type { TopicHandover } from './topic-handover.js';

/** Takes a color out of a topic of this consumer's group. The custodians and members of all processes do the rest. */
export async function leaveTopic(
  handover: TopicHandover,
  custodian: Custodian,
  work: LeaveWork,
): Promise<void> {
  const { color, onLeave, signal } = work;
  const begun = await handover.transition(color, (standing) => leave(standing, standing.epoch, onLeave));
  if (begun.state.kind === 'absent') return;
  const { epoch } = begun.state;
  const unlisten = custodian.onStep((of, step) => {
    if (of === color) work.progress(progressOf(step, handover.group, handover.coloredGroup(color)));
  });
  custodian.look();
  try {
    await awaitAbsent(handover, color, {
      isOver: (state) => compareHandovers(state, { kind: 'absent', epoch }) >= 0,
      signal,
    });
  } finally {
    unlisten();
  }
}

function progressOf(
  step: EpochStep,
  group: string,
  coloredGroup: string,
): { readonly remaining?: number; readonly waitingFor?: string } {
  if (step.kind === 'drain') {
    const remaining = step.left.reduce((sum, { from, to }) => sum + Number(to - from), 0);
    const waitingFor = step.by === 'members' ? `the consumers of ${coloredGroup}` : `a consumer of ${group}`;
    return { remaining, waitingFor };
  }
  if (step.kind !== 'wait') return {};
  switch (step.for) {
    case 'fences':
      return { waitingFor: `the consumers of ${group} and ${coloredGroup} to agree where it ends` };
    case 'members-to-leave':
      return { remaining: 0, waitingFor: `the consumers of ${coloredGroup} to go` };
    case 'other-closer':
      return { remaining: 0, waitingFor: `another process to delete ${coloredGroup}` };
    case 'readable-entry':
      return { waitingFor: 'a newer version: the state in the directory cannot be read' };
  }
}
