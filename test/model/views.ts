import { DELETED, HELD, type Layout, NONE, OLD, OUTSIDE, type State } from './layout.js';
import type { Emit, Scene } from './scene.js';
import { proves } from './shipped.js';

/** A watch tells of one thing more. Each key comes at its own time. */
export function learn(scene: Scene, state: State, process: number, emit: Emit): void {
  const { layout } = scene;
  if (!looks(scene, state, process)) return;
  const known = learnable(scene, state, process);
  if (known === 'read') {
    const next = state.slice();
    learnAll(scene, next, process);
    emit('progress', next, (name) => `${name(process)} is told of a change, and reads the directory`);
  } else if (known !== undefined) {
    const next = state.slice();
    next[layout.knownHandover(process)] = known;
    emit('progress', next, (name) => `${name(process)} learns: ${scene.describe(known)}`);
  }
  if (scene.handovers.isGone(state[layout.knownHandover(process)] as number)) return;
  for (let index = 0; index < layout.fenceCount; index++) {
    if (state[layout.fence(index)] === NONE || state[layout.knownFence(process, index)] !== 0) continue;
    if (!minds(scene, state, process, index)) continue;
    const next = state.slice();
    learnFence(layout, next, process, index);
    emit('progress', next, (name) => `${name(process)} learns: ${scene.describeFence(state, index)}`);
  }
}

/**
 * The next state that a watch tells of, or `read` where it tells of something that has to be asked about: a
 * color that is not known to stand, or that an entry was removed.
 */
function learnable(scene: Scene, state: State, process: number): number | 'read' | undefined {
  const { handovers, layout } = scene;
  const known = state[layout.knownHandover(process)] as number;
  const truth = state[layout.handover] as number;
  // A watch that is behind the read which found it gone.
  if (scene.without('ask-before-believing') && known > 0 && handovers.isGone(known))
    return handovers.absent(handovers.slot(known)) - 5;
  if (known >= truth) return undefined;
  if (handovers.isGone(known)) return 'read';
  for (let at = known + 1; at <= truth; at++) {
    if (handovers.isGone(at)) {
      const deleted = ((state[layout.pastAt(handovers.slot(at))] as number) & DELETED) !== 0;
      if (deleted) return 'read';
      continue;
    }
    const { kind } = handovers.at(at);
    if (scene.world.fine || kind === 'joining' || kind === 'leaving' || kind === 'absent') return at;
  }
  return undefined;
}

/** Whether a view outlives the assignment: with a rule taken out that refreshes it. */
function viewMatters(scene: Scene): boolean {
  return (
    scene.without('fences') ||
    scene.without('refresh-after-assignment') ||
    scene.without('refresh-of-the-colored')
  );
}

/** Whether a view is looked at: not before the refresh that replaces it. */
function looks(scene: Scene, state: State, process: number): boolean {
  return (
    viewMatters(scene) ||
    scene
      .partitions()
      .some((partition) => state[scene.layout.held(process, partition) + HELD.refreshed] === 1)
  );
}

function minds(scene: Scene, state: State, process: number, index: number): boolean {
  const partition = scene.layout.partitionOf(index);
  const { refreshed, holds } = HELD;
  const at = scene.layout.held(process, partition);
  return state[at + refreshed] === 1 || (state[at + holds] === 1 && looks(scene, state, process));
}

/** Takes out of a new state what makes no difference any more. */
export function tidy(scene: Scene, next: State): void {
  const { layout } = scene;
  if (scene.world.fine) return;
  for (const process of layout.processes) {
    for (const partition of scene.partitions()) tidyHeld(scene, next, process, partition);
    const idle = scene.partitions().every((partition) => !next[layout.held(process, partition) + HELD.holds]);
    if (!viewMatters(scene) && idle && !scene.broker.isMember(next, process)) {
      next.fill(0, layout.process(process), layout.process(process + 1));
    }
    if (zombiesAreHarmless(scene) && idle && next[layout.generation(process)] === OLD)
      next[layout.generation(process)] = OUTSIDE;
    if (!looks(scene, next, process)) {
      next.fill(0, layout.knownHandover(process), layout.held(process, 0));
      continue;
    }
    for (let index = 0; index < layout.fenceCount && layout.partitionCount > 1; index++) {
      if (minds(scene, next, process, index)) continue;
      next[layout.knownFence(process, index)] = 0;
    }
  }
}

/**
 * A zombie's commits are refused, and what it handles is delivered again. It does no harm but through the
 * fences that it may still make, with a proof from before.
 */
function zombiesAreHarmless(scene: Scene): boolean {
  return (
    !scene.retries &&
    !scene.without('proof-by-commit') &&
    !scene.without('proof-of-the-stop') &&
    !scene.without('fences')
  );
}

function tidyHeld(scene: Scene, next: State, process: number, partition: number): void {
  const { held, generation } = scene.layout;
  const at = held(process, partition);
  if (!next[at + HELD.holds]) return;
  const zombie = next[generation(process)] === OLD;
  if (zombie) next[at + HELD.committed] = NONE;
  if (zombie && zombiesAreHarmless(scene)) {
    // All that is left of it is the fence that it may make, where the proof says.
    next[at + HELD.position] = next[at + HELD.proof] as number;
    if (next[at + HELD.proof] === NONE) scene.broker.drop(next, process, partition);
  }
  if (next[at + HELD.holds] === 0 || next[at + HELD.proof] === NONE) return;
  const { handover, current } = scene.hereFor(next, process, partition);
  if (handover.kind === 'unreadable') return;
  const { epoch } = handover;
  const proof = scene.proof(next, at);
  const forJoin = process < 2 && current.join === undefined && proves(proof, 1, { kind: 'joining', epoch });
  const missing = (process < 2 ? current.leave : current.stop) === undefined;
  if (forJoin || (missing && proves(proof, 1, { kind: 'leaving', epoch }))) return;
  next[at + HELD.proof] = NONE;
  next[at + HELD.proofKnown] = 0;
  if (zombie && zombiesAreHarmless(scene)) scene.broker.drop(next, process, partition);
}

/** A linearizable read of everything: what it lacks is gone. */
export function learnAll(scene: Scene, next: State, process: number): void {
  const { layout, handovers } = scene;
  const truth = next[layout.handover] as number;
  next[layout.knownHandover(process)] = truth;
  next[layout.completeTo(process)] = handovers.isGone(truth) ? 0 : handovers.over(truth);
  next.fill(0, layout.knownFence(process, 0), layout.knownFence(process, layout.fenceCount));
  if (handovers.isGone(truth)) return;
  for (let index = 0; index < layout.fenceCount; index++) {
    if (next[layout.fence(index)] !== NONE) learnFence(layout, next, process, index);
  }
}

/** Left out where it makes no difference: see {@link tidy}. */
export function isHarmlessZombie(scene: Scene, state: State, process: number): boolean {
  return !scene.world.fine && zombiesAreHarmless(scene) && state[scene.layout.generation(process)] === OLD;
}

export function learnFence(layout: Layout, next: State, process: number, index: number): void {
  next[layout.knownFence(process, index)] = (next[layout.fence(index)] as number) + 1;
}
