import {
  activate,
  claimClosing,
  close,
  firstOpenEpoch,
  nextEpochStep,
  nextStepForEmptyGroup,
  startDraining,
  stillNeeded,
} from '../shipped.js';
import { COLOR } from '../world.js';
import { checkPhase, idOf, transition } from './directory.js';
import { tellFence } from './members.js';
import type { Tell } from './model.js';
import { bigint, CUSTODIAN, handoverOf, here, NO_VIEW, put, type Situation, truth } from './state.js';
import type { IdentityWorld } from './world.js';

/** Whoever looks after the topic, and does what a group without members cannot do. */
export function custodianActions(world: IdentityWorld, situation: Situation, tell: Tell): void {
  const { upkeep, upkeepView, entry, b, c } = situation;
  if (upkeep !== undefined) {
    const phase = checkPhase(world, situation, upkeep, upkeepView);
    const done = phase.check === 'done';
    const next = put(phase.next, {
      upkeep: phase.check === 'done' ? undefined : phase.check,
      upkeepView: done ? NO_VIEW : phase.view,
    });
    tell(
      'progress',
      next,
      `the upkeep ${done ? 'has looked' : 'looks'} at the topic's identity (${upkeep.phase})`,
    );
  }
  const standing = handoverOf(entry);
  // It is due every 30 seconds. Where it could make no difference it is left out.
  if (upkeep === undefined && (world.fine || (standing && standing.log !== idOf(situation.log))))
    tell('progress', put(situation, { upkeep: { why: 'upkeep', phase: 'begin' } }), 'the upkeep begins');
  if (standing === undefined) return;
  const fences = truth(situation);
  const { epoch } = standing;
  const end = situation.handled.length;
  const within = (place: Situation['baseline']): bigint | undefined =>
    place !== undefined && place.offset <= end ? bigint(place.offset) : undefined;
  for (const group of ['baseline', 'colored'] as const) {
    if (group === 'baseline' ? b.up : c.up) continue;
    const known = { kind: standing.kind, epoch };
    const committed = within(situation[group]) ?? (group === 'baseline' ? 0n : undefined);
    const step = nextStepForEmptyGroup({
      here: here({ read: entry as string, entry: entry as string, fences: situation.fences }),
      evidence: { group, known, committed },
    });
    if (!('offset' in step)) continue;
    const fence =
      step.kind === 'create-join-fence' ? 'join' : step.kind === 'create-stop-fence' ? 'stop' : 'leave';
    tellFence(situation, undefined, fence, step.epoch, Number(step.offset), tell);
  }
  const step = nextEpochStep({
    fences,
    color: COLOR,
    partitions: [0],
    committed: () => within(situation.colored),
    members: () => c.up,
    closer: CUSTODIAN,
  });
  const write = (change: Parameters<typeof transition>[1], base = situation): void => {
    const next = transition(base, change);
    if (next !== undefined) tell('progress', next, `the directory: ${handoverOf(next.entry)?.kind}`);
  };
  if (step.kind === 'activate') write((state) => activate(state, epoch));
  if (step.kind === 'start-draining') write((state) => startDraining(state, epoch));
  if (step.kind === 'claim-closing') write((state) => claimClosing(state, epoch, CUSTODIAN));
  if (step.kind === 'delete-group-and-close')
    write((state) => close(state, epoch, CUSTODIAN), put(situation, { colored: undefined }));
  sweep(situation, tell);
}

function sweep(situation: Situation, tell: Tell): void {
  const standing = handoverOf(situation.entry);
  if (standing === undefined) return;
  const since = standing.since ?? 1;
  const names = Object.keys(situation.fences);
  const left = names.filter((name) => Number(name.split('/')[0]) >= since);
  if (left.length < names.length) {
    const fences = Object.fromEntries(left.map((name) => [name, situation.fences[name] as number]));
    tell('progress', put(situation, { fences }), 'fences of an epoch that is over are deleted');
  } else if (standing.kind === 'absent' && since >= firstOpenEpoch(standing) && names.length === 0) {
    const reached = bigint(situation.baseline?.offset ?? 0);
    if (stillNeeded(standing.past ?? new Map(), () => reached).size > 0) return;
    tell('progress', put(situation, { entry: undefined }), 'the entry is deleted');
  }
}
