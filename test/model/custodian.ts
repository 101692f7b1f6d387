import { createFence } from './actions.js';
import { CUSTODIAN } from './knowledge.js';
import { NONE, offsetIn, type State } from './layout.js';
import type { Emit, Scene } from './scene.js';
import {
  activate,
  claimClosing,
  close,
  leave,
  nextEpochStep,
  nextStepForEmptyGroup,
  startDraining,
  type Transition,
} from './shipped.js';
import { foldEpoch, sweepActions } from './sweep.js';
import { isStable } from './transactions.js';
import { BASELINE, COLOR, COLORED } from './world.js';

/*
 * The work that belongs to no member: changes of state, and what is done for a group without members. In
 * life any process does it; here it is somebody who reads linearizable and may stop between any two steps.
 */

export function custodianActions(scene: Scene, state: State, emit: Emit): void {
  epochActions(scene, state, emit);
  if (scene.without('fences')) return;
  emptyGroupActions(scene, state, emit);
  forgetOffsets(scene, state, emit);
  sweepActions(scene, state, emit);
}

function epochActions(scene: Scene, state: State, emit: Emit): void {
  const { layout, world, handovers, broker, tables } = scene;
  const handover = handovers.at(state[layout.handover] as number);
  const { epoch } = handover;
  const write = (kind: 'progress' | 'event', transition: Transition): void => {
    const next = state.slice();
    next[layout.handover] = handovers.after(state[layout.handover] as number, transition);
    emit(kind, next, () => `the directory: ${scene.describe(next[layout.handover] as number)}`);
  };
  const jump = (to: 'active' | 'absent'): void => {
    const next = state.slice();
    next[layout.handover] = (state[layout.handover] as number) + (to === 'active' ? 1 : 3);
    if (to === 'absent') {
      clear(scene, next);
      if (!scene.without('fences')) foldEpoch(scene, next);
    }
    emit('progress', next, () => `the directory: ${scene.describe(next[layout.handover] as number)}`);
  };

  const may = world.leaves || handovers.slot(state[layout.handover] as number) < world.epochs;
  if ((handover.kind === 'joining' || handover.kind === 'active') && may)
    write('event', leave(handover, epoch, 'drain'));
  if (scene.without('fences')) {
    if (handover.kind === 'joining') jump('active');
    if (handover.kind === 'leaving') jump('absent');
    return;
  }
  const step = nextEpochStep({
    fences: tables.truth(state),
    color: COLOR,
    partitions: scene.partitions(),
    committed: (partition) => {
      const committed = offsetIn(state[layout.committed(COLORED, partition)] as number);
      return committed ?? offsetIn(layout.kept(state, partition));
    },
    members: () => broker.hasMembers(state, COLORED),
    closer: CUSTODIAN,
  });
  if (step.kind === 'activate' && world.fine) write('progress', activate(handover, epoch));
  if (step.kind === 'start-draining') {
    if (scene.without('drain')) jump('absent');
    else write('progress', startDraining(handover, epoch));
  }
  if (step.kind === 'claim-closing') {
    if (world.fine) write('progress', claimClosing(handover, epoch, CUSTODIAN));
    else {
      const next = state.slice();
      next[layout.handover] = handovers.after(
        state[layout.handover] as number,
        claimClosing(handover, epoch, CUSTODIAN),
      );
      if (scene.without('delete-before-absent'))
        emit('progress', next, () => 'the custodian claims the closing');
      else deleteGroup(scene, next, 1, emit);
    }
  }
  const late = scene.without('delete-before-absent');
  if (step.kind === 'delete-group-and-close') {
    if (state[layout.deletion] || late) {
      const next = state.slice();
      next[layout.handover] = handovers.after(
        state[layout.handover] as number,
        close(handover, epoch, CUSTODIAN),
      );
      foldEpoch(scene, next);
      next[layout.deletion] = late ? 1 : 0;
      clear(scene, next);
      emit('progress', next, () => `the directory: ${scene.describe(next[layout.handover] as number)}`);
    } else deleteGroup(scene, state, 1, emit);
  }
  if (late && state[layout.deletion] && !broker.hasMembers(state, COLORED))
    deleteGroup(scene, state, 0, emit);
}

/** A broker deletes a group without members only. */
function deleteGroup(scene: Scene, state: State, deletion: number, emit: Emit): void {
  const next = state.slice();
  next[scene.layout.deletion] = deletion;
  for (const partition of scene.partitions()) next[scene.layout.committed(COLORED, partition)] = NONE;
  emit('progress', next, () => 'the broker deletes the colored group and its offsets');
}

/** Whoever serves the topic has seen the group without members, and kept how far it was, before the broker forgets. */
function forgetOffsets(scene: Scene, state: State, emit: Emit): void {
  const { layout, world, handovers, broker } = scene;
  const { forgets = 0 } = world;
  if (forgets === 0 || state[layout.forgets] === forgets || broker.hasMembers(state, COLORED)) return;
  const handover = handovers.at(state[layout.handover] as number);
  const closing = handover.kind === 'draining' && handover.closer !== undefined;
  if (closing || handover.kind === 'absent') return;
  const next = state.slice();
  let forgotten = false;
  for (const partition of scene.partitions()) {
    const committed = state[layout.committed(COLORED, partition)] as number;
    if (committed === NONE) continue;
    forgotten = true;
    next[layout.committed(COLORED, partition)] = NONE;
    const at = layout.keptAt(partition);
    if (!scene.without('keep-progress')) next[at] = Math.max(next[at] as number, committed + 1);
  }
  if (!forgotten) return;
  next[layout.forgets] = (state[layout.forgets] as number) + 1;
  emit('fault', next, () => 'the broker forgets the offsets of the colored group');
}

/** Evidence of another epoch is of no use: it is forgotten, so that states which differ in it alone are one. */
function clear(scene: Scene, next: State): void {
  const { layout } = scene;
  next[layout.seenGroup] = 0;
  next[layout.seenKnown] = 0;
  next[layout.seenRead] = 0;
  forgetKept(scene, next);
  for (const partition of scene.partitions()) next[layout.seenOffset(partition)] = 0;
}

/** Progress belongs to one epoch. */
function forgetKept({ layout, world, handovers }: Scene, next: State): void {
  if (!world.forgets || handovers.at(next[layout.handover] as number).kind !== 'absent') return;
  world.partitions.forEach((_, partition) => {
    next[layout.keptAt(partition)] = 0;
  });
}

function emptyGroupActions(scene: Scene, state: State, emit: Emit): void {
  const { layout, handovers, broker, tables } = scene;
  const seen = state[layout.seenGroup] as number;
  const name = (group: number): string => (group === BASELINE ? 'baseline' : 'colored');
  if (seen === 0) {
    for (const group of groupsToAsk(scene, state)) {
      if (scene.without('read-after-empty')) readFirst(scene, state, group, emit);
      else if (!broker.hasMembers(state, group)) {
        const next = state.slice();
        next[layout.seenGroup] = group + 1;
        next[layout.seenKnown] = state[layout.handover] as number;
        emit('progress', next, () => `the custodian sees that the ${name(group)} group has no members`);
      }
    }
    return;
  }
  const group = seen - 1;
  const offsets = (): string =>
    scene
      .partitions()
      .map((partition) => layout.current(state, group, partition))
      .join(', ');
  if (!state[layout.seenRead]) {
    const next = state.slice();
    if (scene.without('read-after-empty')) {
      if (broker.hasMembers(state, group)) clear(scene, next);
      next[layout.seenKnown] = state[layout.handover] as number;
      next[layout.seenRead] = broker.hasMembers(state, group) ? 0 : 1;
      emit('progress', next, () => `the custodian asks whether the ${name(group)} group has members`);
      return;
    }
    if (!isStable(scene, state, group)) return;
    next[layout.seenRead] = 1;
    for (const partition of scene.partitions()) {
      next[layout.seenOffset(partition)] = state[layout.committed(group, partition)] as number;
    }
    emit('progress', next, () => `the custodian reads the ${name(group)} group's offsets: ${offsets()}`);
    return;
  }
  const early = scene.without('stop-after-leaving') || scene.without('empty-after-joining');
  const known = handovers.at((early ? state[layout.handover] : state[layout.seenKnown]) as number);
  let useful = early && known.kind !== 'leaving' && known.kind !== 'joining';
  for (const partition of scene.partitions()) {
    const committed = offsetIn(state[layout.seenOffset(partition)] as number);
    const here = scene.withKept(scene.here(tables.truth(state), partition), state, partition);
    const step = nextStepForEmptyGroup({
      here,
      evidence: { group: group === BASELINE ? 'baseline' : 'colored', known, committed },
    });
    if (!('offset' in step)) continue;
    useful = true;
    const fence =
      step.kind === 'create-join-fence' ? 'join' : step.kind === 'create-stop-fence' ? 'stop' : 'leave';
    createFence(scene, state, undefined, fence, step.epoch, partition, Number(step.offset), emit);
  }
  if (useful) return;
  const next = state.slice();
  clear(scene, next);
  emit('progress', next, () => 'the custodian forgets what it saw');
}

function readFirst(scene: Scene, state: State, group: number, emit: Emit): void {
  const { layout } = scene;
  const next = state.slice();
  next[layout.seenGroup] = group + 1;
  for (const partition of scene.partitions()) {
    next[layout.seenOffset(partition)] = state[layout.committed(group, partition)] as number;
  }
  emit(
    'progress',
    next,
    () => `the custodian reads the offsets of group ${group}, before it asks for members`,
  );
}

/** The groups whose members matter now; where a rule is taken out, also before the state that makes them matter. */
function groupsToAsk(scene: Scene, state: State): Set<number> {
  const groups = new Set<number>();
  const now = state[scene.layout.handover] as number;
  const { kind } = scene.handovers.at(now);
  if (scene.without('stop-after-leaving') && (kind === 'active' || kind === 'joining')) groups.add(COLORED);
  if (
    scene.without('empty-after-joining') &&
    kind === 'absent' &&
    scene.handovers.slot(now) < scene.world.epochs
  )
    groups.add(BASELINE);
  const fences = scene.tables.truth(state);
  for (const partition of scene.partitions()) {
    const step = nextStepForEmptyGroup({ here: scene.here(fences, partition), evidence: undefined });
    if (step.kind === 'see-group-empty') groups.add(step.group === 'baseline' ? BASELINE : COLORED);
  }
  return groups;
}
