import { commitForProof, commitPosition, createFence, take } from './actions.js';
import { HELD, NONE, offsetIn, type State } from './layout.js';
import type { Emit, Scene } from './scene.js';
import { nextColoredStep, nextStep } from './shipped.js';
import { isHarmlessZombie, learnAll } from './views.js';

function refresh(scene: Scene, state: State, process: number, partition: number, emit: Emit): void {
  const next = state.slice();
  learnAll(scene, next, process);
  next[scene.layout.held(process, partition) + HELD.refreshed] = 1;
  emit('progress', next, (name) => `${name(process)} refreshes its view, for partition ${partition}`);
}

/** What a baseline process can do in a partition that it holds. */
export function baselineActions(
  scene: Scene,
  state: State,
  process: number,
  partition: number,
  emit: Emit,
): void {
  const { layout, world } = scene;
  const at = layout.held(process, partition);
  const refreshed = state[at + HELD.refreshed] === 1 || scene.without('refresh-after-assignment');
  const position = state[at + HELD.position] as number;
  const here = scene.hereFor(state, process, partition);
  const proof = scene.without('proof-by-commit')
    ? scene.forged(position, here.handover)
    : scene.proof(state, at);
  if (!scene.without('fences')) {
    const step = nextStep({
      here,
      position: offsetIn(position) as bigint,
      handling: false,
      refreshed,
      generation: 1,
      proof,
    });
    if (step.kind === 'refresh-view') refresh(scene, state, process, partition, emit);
    if (step.kind === 'commit-in-generation' && !isHarmlessZombie(scene, state, process)) {
      commitForProof(scene, state, process, partition, step, emit);
    }
    if (step.kind === 'create-join-fence') {
      const offset = scene.without('max-with-leave-before') ? Number(proof?.position) : Number(step.offset);
      createFence(scene, state, process, 'join', step.epoch, partition, offset, emit);
    }
    if (step.kind === 'create-leave-fence') {
      const offset = scene.without('max-with-stop') ? Number(proof?.position) : Number(step.offset);
      createFence(scene, state, process, 'leave', step.epoch, partition, offset, emit);
    }
  }
  if (isHarmlessZombie(scene, state, process)) return;
  commitPosition(scene, state, process, partition, emit);
  if (position < (world.partitions[partition] as string).length) {
    take(
      scene,
      state,
      process,
      partition,
      scene.baselineOwner(state, process, partition, position, refreshed),
      emit,
    );
  }
}

/** What a member of the colored group can do in a partition that it holds. */
export function coloredActions(
  scene: Scene,
  state: State,
  process: number,
  partition: number,
  emit: Emit,
): void {
  const { layout, world } = scene;
  const at = layout.held(process, partition);
  const refreshed = state[at + HELD.refreshed] === 1 || scene.without('refresh-of-the-colored');
  const position = state[at + HELD.position] as number;
  const end = (world.partitions[partition] as string).length;
  const zombie = isHarmlessZombie(scene, state, process);
  if (!zombie) commitPosition(scene, state, process, partition, emit);
  if (scene.without('fences')) {
    if (position === NONE) {
      startAt(scene, state, process, partition, end, emit);
      return;
    }
    if (position < end)
      take(scene, state, process, partition, scene.color(partition, position) ? 'colored' : 'baseline', emit);
    return;
  }
  const step = coloredStep(scene, state, process, partition, refreshed);
  if (zombie && step.kind !== 'create-stop-fence') return;
  switch (step.kind) {
    case 'refresh-view':
      refresh(scene, state, process, partition, emit);
      return;
    case 'commit-in-generation':
      commitForProof(scene, state, process, partition, step, emit);
      return;
    case 'commit-start':
      startAt(scene, state, process, partition, Number(step.position), emit);
      return;
    case 'create-stop-fence':
      createFence(scene, state, process, 'stop', step.epoch, partition, Number(step.offset), emit);
      return;
    case 'consume':
      if (position >= end || (step.until !== undefined && position >= step.until)) return;
      take(
        scene,
        state,
        process,
        partition,
        scene.owner(state, process, partition, position, refreshed),
        emit,
      );
      return;
  }
}

export function coloredStep(
  scene: Scene,
  state: State,
  process: number,
  partition: number,
  refreshed: boolean,
) {
  const { held } = scene.layout;
  const at = held(process, partition);
  const position = state[at + HELD.position] as number;
  const here = scene.hereFor(state, process, partition);
  const forged = scene.without('proof-of-the-stop') && position !== NONE;
  return nextColoredStep({
    here: scene.withKept(here, state, partition),
    position: offsetIn(position),
    committed: offsetIn(state[at + HELD.committed] as number),
    handling: state[at + HELD.inHand] === 1,
    refreshed,
    generation: 1,
    proof: forged ? scene.forged(position, here.handover) : scene.proof(state, at),
  });
}

function startAt(
  scene: Scene,
  state: State,
  process: number,
  partition: number,
  offset: number,
  emit: Emit,
): void {
  const next = state.slice();
  const at = scene.layout.held(process, partition);
  if (scene.broker.commit(next, process, partition, offset, scene.retries) !== 'refused')
    next[at + HELD.position] = offset;
  emit(
    'progress',
    next,
    (name) => `${name(process)} starts partition ${partition} at ${offset} and commits that`,
  );
}
