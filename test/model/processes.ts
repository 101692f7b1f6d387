import { finish } from './actions.js';
import { CURRENT, HELD, NONE, OUTSIDE, type State } from './layout.js';
import { baselineActions, coloredActions, coloredStep } from './partition-work.js';
import type { Emit, Scene } from './scene.js';
import { join } from './shipped.js';
import { isStable, leaveTransactions } from './transactions.js';
import { learn, learnAll } from './views.js';
import { BASELINE, COLORED } from './world.js';

/** Everything that one process can do, or that can happen to it. */
export function processActions(scene: Scene, state: State, process: number, emit: Emit): void {
  const { layout, broker, world } = scene;
  if (!state[layout.up(process)]) {
    if (broker.isMember(state, process)) {
      changeMembers(scene, state, process, 'progress', 'its session ends', emit);
      return;
    }
    start(scene, state, process, emit);
    return;
  }
  if ((state[layout.crashes] as number) < world.crashes) crash(scene, state, process, emit);
  if (!broker.isMember(state, process)) joinGroup(scene, state, process, emit);
  else if (state[layout.generation(process)] !== CURRENT) {
    synchronise(scene, state, process, emit);
  }
  if (broker.isMember(state, process) && (state[layout.moves] as number) < world.moves) {
    changeMembers(scene, state, process, 'fault', 'is paused, its session ends', emit);
  }
  learn(scene, state, process, emit);
  if (state[layout.generation(process)] === OUTSIDE) return;
  for (const partition of scene.partitions()) {
    if (!state[layout.held(process, partition) + HELD.holds]) continue;
    if (state[layout.held(process, partition) + HELD.inHand]) finish(scene, state, process, partition, emit);
    else if (layout.groupOf(process) === BASELINE) baselineActions(scene, state, process, partition, emit);
    else coloredActions(scene, state, process, partition, emit);
  }
  if (layout.groupOf(process) !== BASELINE) leaveGroup(scene, state, process, emit);
}

function synchronise(scene: Scene, state: State, process: number, emit: Emit): void {
  const { layout, world, broker } = scene;
  const next = broker.synchronise(state, process);
  const skipsRefresh = scene.without(
    layout.groupOf(process) === BASELINE ? 'refresh-after-assignment' : 'refresh-of-the-colored',
  );
  if (world.fine || skipsRefresh || scene.without('fences')) {
    emit('progress', next, (name) => `${name(process)} learns of the new generation`);
    return;
  }
  learnAll(scene, next, process);
  for (const partition of scene.partitions()) {
    const at = layout.held(process, partition);
    if (next[at + HELD.holds]) next[at + HELD.refreshed] = 1;
  }
  emit('progress', next, (name) => `${name(process)} learns of the new generation, and refreshes its view`);
}

function start(scene: Scene, state: State, process: number, emit: Emit): void {
  const { layout, handovers, world } = scene;
  if (process === 1 && world.baseline === 1) return;
  const next = state.slice();
  next[layout.up(process)] = 1;
  const handover = handovers.at(state[layout.handover] as number);
  if (layout.groupOf(process) === BASELINE) {
    learnAll(scene, next, process);
    // What it reads matters only where it is not read again: else starting and joining are one.
    if (!scene.without('refresh-after-assignment') && !scene.without('fences')) {
      joinGroup(scene, next, process, emit);
      return;
    }
    emit('progress', next, (name) => `${name(process)} starts and reads the directory`);
    return;
  }
  if (handover.kind !== 'absent') {
    if (handover.kind === 'draining' && !scene.somethingLeft(state)) return;
    if (handover.kind === 'draining' && !isStable(scene, state, COLORED)) return;
    if (!world.fine && !scene.without('refresh-of-the-colored')) {
      joinGroup(scene, next, process, emit);
      return;
    }
    learnAll(scene, next, process);
    emit('progress', next, (name) => `${name(process)} starts and reads the directory`);
    return;
  }
  const standing = state[layout.handover] as number;
  if (handovers.slot(standing) === world.epochs || process !== 2) return;
  // Where epochs begin again, they do after the entry was deleted.
  if (scene.without('epochs-grow') && !handovers.isGone(standing)) return;
  next[layout.handover] = handovers.after(standing, join(handover));
  learnAll(scene, next, process);
  emit(
    'event',
    next,
    (name) => `${name(process)} starts and writes ${scene.describe(next[layout.handover] as number)}`,
  );
}

function crash(scene: Scene, state: State, process: number, emit: Emit): void {
  const { layout, broker } = scene;
  const next = state.slice();
  next[layout.crashes] = (next[layout.crashes] as number) + 1;
  leaveTransactions(layout, next, process);
  broker.lose(next, process);
  next.fill(0, layout.process(process), layout.process(process + 1));
  emit('fault', next, (name) => `${name(process)} crashes`);
}

function joinGroup(scene: Scene, state: State, process: number, emit: Emit): void {
  const { layout, broker, handovers } = scene;
  const group = layout.groupOf(process);
  const over = handovers.at(state[layout.handover] as number).kind === 'absent';
  if (group !== BASELINE && over) {
    const next = state.slice();
    next.fill(0, layout.process(process), layout.process(process + 1));
    emit('progress', next, (name) => `${name(process)} ends, its epoch is over`);
    return;
  }
  const members = (state[layout.members(group)] as number) | (1 << process);
  for (const { next, assignment } of broker.rebalance(state, group, members)) {
    emit('progress', next, (name) => `${name(process)} joins its group: ${describe(assignment, name)}`);
  }
}

/** The broker puts a process out of its group, or, as a fault, only deals the partitions anew. */
function changeMembers(
  scene: Scene,
  state: State,
  process: number,
  kind: 'progress' | 'fault',
  why: string,
  emit: Emit,
): void {
  const { layout, broker } = scene;
  const group = layout.groupOf(process);
  const before = state[layout.members(group)] as number;
  for (const { next, assignment } of broker.rebalance(state, group, before & ~(1 << process))) {
    if (kind === 'fault') next[layout.moves] = (next[layout.moves] as number) + 1;
    emit(kind, next, (name) => `${name(process)}: ${why}: ${describe(assignment, name)}`);
  }
}

/** A rebalance that nobody asked for, once for each group. */
export function reassign(scene: Scene, state: State, group: number, emit: Emit): void {
  const { layout, broker, world } = scene;
  const members = state[layout.members(group)] as number;
  if (members === 0 || (state[layout.moves] as number) >= world.moves) return;
  for (const { next, assignment } of broker.rebalance(state, group, members)) {
    next[layout.moves] = (next[layout.moves] as number) + 1;
    emit('fault', next, (name) => `the broker rebalances: ${describe(assignment, name)}`);
  }
}

function describe(assignment: readonly number[], name: (process: number) => string): string {
  return assignment
    .map((process, partition) => `partition ${partition} to ${process === NONE ? 'nobody' : name(process)}`)
    .join(', ');
}

/** A member of the colored group that has nothing left to do goes. */
function leaveGroup(scene: Scene, state: State, process: number, emit: Emit): void {
  const { layout, broker, handovers } = scene;
  if (state[layout.generation(process)] !== CURRENT) return;
  const { kind } = handovers.at(state[layout.handover] as number);
  if (kind === 'joining' || kind === 'active' || kind === 'leaving') return;
  for (const partition of scene.partitions()) {
    const at = layout.held(process, partition);
    if (!state[at + HELD.holds] || scene.without('fences')) continue;
    if (coloredStep(scene, state, process, partition, state[at + HELD.refreshed] === 1).kind !== 'done')
      return;
  }
  const group = layout.groupOf(process);
  const members = (state[layout.members(group)] as number) & ~(1 << process);
  for (const { next } of broker.rebalance(state, group, members)) {
    broker.lose(next, process);
    next.fill(0, layout.process(process), layout.process(process + 1));
    emit('progress', next, (name) => `${name(process)} leaves its group and ends`);
  }
}
