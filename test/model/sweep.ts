import { DELETED, FENCES, NONE, type State } from './layout.js';
import type { Emit, Scene } from './scene.js';
import { stillNeeded } from './shipped.js';
import { BASELINE } from './world.js';

/*
 * What is no longer needed goes out of the directory, a step at a time, by whoever looks: the epoch was folded
 * when it was closed, its fences are deleted, and then the entry.
 */

/** Part of the write that closes an epoch. */
export function foldEpoch(scene: Scene, next: State): void {
  const { layout, handovers, tables } = scene;
  const slot = handovers.slot(next[layout.handover] as number);
  for (const partition of scene.partitions()) {
    const [join, , leave] = FENCES.map(
      (_, fence) => next[layout.fence(layout.fenceIndex(handovers.number(slot), fence, partition))] as number,
    );
    next[layout.foldedAt(slot, partition)] = join === NONE ? 0 : (join as number);
    next[layout.foldedAt(slot, partition) + 1] = join === NONE || leave === NONE ? 0 : (leave as number);
  }
  const bits = tables.foldedBits(next, next[layout.handover] as number);
  next[layout.pastAt(slot)] = scene.without('fold-before-delete') ? 0 : bits;
}

export function sweepActions(scene: Scene, state: State, emit: Emit): void {
  const { layout, handovers, world } = scene;
  const handover = state[layout.handover] as number;
  const dead = deadFences(scene, state);
  for (const indexes of world.fine ? dead.map((index) => [index]) : dead.length > 0 ? [dead] : []) {
    const next = state.slice();
    for (const index of indexes) next[layout.fence(index)] = NONE;
    emit(
      'progress',
      next,
      () => `the custodian deletes the fences ${indexes.join(', ')} of an epoch that is over`,
    );
  }
  if (handovers.at(handover).kind !== 'absent' || handovers.isGone(handover) || dead.length > 0) return;
  const past = stillNeeded(scene.tables.past(state, handover), (partition) =>
    BigInt(layout.current(state, BASELINE, partition)),
  );
  if (past.size > 0 && !scene.without('read-past-before-delete')) return;
  const next = state.slice();
  next[layout.handover] = handover + 1;
  const slot = handovers.slot(handover);
  next[layout.pastAt(slot)] = (next[layout.pastAt(slot)] as number) | DELETED;
  emit('progress', next, () => 'the custodian deletes the entry');
}

/** Those that count no more in the state that stands. */
export function deadFences(scene: Scene, state: State): number[] {
  const { layout, handovers } = scene;
  const since = handovers.since(state[layout.handover] as number);
  const dead: number[] = [];
  for (let index = 0; index < layout.fenceCount; index++) {
    if (state[layout.fence(index)] !== NONE && scene.epochOf(index) < since) dead.push(index);
  }
  return dead;
}
