import { FENCES, HELD, NONE, type State } from './layout.js';
import type { Emit, Scene } from './scene.js';
import { type CommitStep, type FenceKind, type Owner, proofOf } from './shipped.js';
import { handOut, offsetForProof, passedOffset } from './transactions.js';
import { learnFence } from './views.js';
import { COLOR } from './world.js';

/** Does a step's commit, and keeps the proof if it is one. */
export function commitForProof(
  scene: Scene,
  state: State,
  process: number,
  partition: number,
  step: CommitStep,
  emit: Emit,
): void {
  const next = state.slice();
  const position = Number(step.position);
  const offset = scene.world.chain ? offsetForProof(scene, state, process, partition, step) : position;
  if (offset === undefined) return;
  const outcome = scene.broker.commit(next, process, partition, offset, scene.retries);
  if (outcome !== 'refused') {
    const generation = outcome === 'own' || scene.without('proof-in-one-generation') ? 1 : 2;
    if (proofOf(step, { generation, position: step.position }) !== undefined) {
      const at = scene.layout.held(process, partition);
      next[at + HELD.proof] = position;
      next[at + HELD.proofKnown] = state[scene.layout.knownHandover(process)] as number;
    }
  }
  emit(
    'progress',
    next,
    (name) => `${name(process)} commits ${offset} of partition ${partition}, for a fence: ${told(outcome)}`,
  );
}

/** An ordinary commit of what was handled and skipped. */
export function commitPosition(
  scene: Scene,
  state: State,
  process: number,
  partition: number,
  emit: Emit,
): void {
  const at = scene.layout.held(process, partition);
  const position = scene.world.chain
    ? passedOffset(scene, state, process, partition)
    : (state[at + HELD.position] as number);
  if (position === NONE || position === state[at + HELD.committed]) return;
  const next = state.slice();
  const outcome = scene.broker.commit(next, process, partition, position, scene.retries);
  emit(
    'progress',
    next,
    (name) => `${name(process)} commits ${position} of partition ${partition}: ${told(outcome)}`,
  );
}

/** Create-if-absent. Whatever stands then, its creator knows it. */
export function createFence(
  scene: Scene,
  state: State,
  process: number | undefined,
  fence: FenceKind,
  epoch: number,
  partition: number,
  offset: number,
  emit: Emit,
): void {
  const { layout } = scene;
  const index = layout.fenceIndex(epoch, FENCES.indexOf(fence), partition);
  const next = state.slice();
  const stands = state[layout.fence(index)] as number;
  if (stands === NONE) next[layout.fence(index)] = offset;
  if (process !== undefined) learnFence(layout, next, process, index);
  const outcome =
    stands === NONE ? '' : stands === offset ? ', which stands already' : `, but ${stands} stands`;
  emit('progress', next, (name) => {
    const who = process === undefined ? 'the custodian' : name(process);
    return `${who} creates ${fence}[${epoch}][${partition}] = ${offset}${outcome}`;
  });
}

/** A message in hand is handled. */
export function finish(scene: Scene, state: State, process: number, partition: number, emit: Emit): void {
  const next = state.slice();
  const at = scene.layout.held(process, partition);
  const offset = state[at + HELD.position] as number;
  next[at + HELD.inHand] = 0;
  handle(scene, next, process, partition, offset, emit);
}

/** The next message is handled by `group`, skipped, or waits. */
export function take(
  scene: Scene,
  state: State,
  process: number,
  partition: number,
  owner: Owner['kind'],
  emit: Emit,
): void {
  const at = scene.layout.held(process, partition);
  const offset = state[at + HELD.position] as number;
  if (owner === 'undecided') return;
  const mine = owner === (process < 2 ? 'baseline' : 'colored');
  const next = state.slice();
  if (!mine) {
    next[at + HELD.position] = offset + 1;
    // It was given up, and is somebody else's now: nobody owes a commit of it.
    if (next[at + HELD.own] === offset + 1 && !scene.without('forget-what-is-given-up'))
      next[at + HELD.own] = 0;
    emit('progress', next, (name) => `${name(process)} skips message ${offset} of partition ${partition}`);
    return;
  }
  if (scene.world.chain) {
    handOut(scene, state, process, partition, emit);
    return;
  }
  if (!scene.world.fine || scene.color(partition, offset) !== COLOR) {
    handle(scene, next, process, partition, offset, emit);
    return;
  }
  next[at + HELD.inHand] = 1;
  emit(
    'progress',
    next,
    (name) => `${name(process)} takes message ${offset} of partition ${partition} in hand`,
  );
}

function handle(
  scene: Scene,
  next: State,
  process: number,
  partition: number,
  offset: number,
  emit: Emit,
): void {
  next[scene.layout.held(process, partition) + HELD.position] = offset + 1;
  const before = scene.broker.handled(next, process, partition, offset);
  const side = process < 2 ? 'baseline' : 'colored';
  const violation =
    before &&
    `handled twice: message ${offset} of partition ${partition}, first by ${before}, then by ${side}`;
  emit(
    'progress',
    next,
    (name) => `${name(process)} handles message ${offset} of partition ${partition}`,
    violation,
  );
}

function told(outcome: 'own' | 'newer' | 'refused'): string {
  if (outcome === 'own') return 'accepted';
  return outcome === 'newer'
    ? 'retried and accepted in the newer generation'
    : 'refused, the generation is over';
}
