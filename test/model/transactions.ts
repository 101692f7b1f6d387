import {
  CHAIN,
  CHAIN_SIZE,
  CURRENT,
  DONE_BY_BASELINE,
  DONE_BY_COLORED,
  HELD,
  type Layout,
  NONE,
  ORPHAN,
  offsetIn,
  type State,
  UNHANDLED,
} from './layout.js';
import type { Emit, Scene } from './scene.js';
import { type CommitStep, offsetBehindPassed, offsetOfProof, owesCommit } from './shipped.js';
import { BASELINE, COLORED } from './world.js';

/*
 * The exactly-once chain: messages are handled in a transaction, which is open over several of them, also between
 * two messages; it is sent the offset behind the last, and that is committed when the transaction is. What was
 * handled counts then, so that nothing explains a message that counts twice.
 */

export function transactionActions(scene: Scene, state: State, emit: Emit): void {
  if (!scene.world.chain) return;
  for (const group of [BASELINE, COLORED])
    for (const partition of scene.partitions()) partitionActions(scene, state, group, partition, emit);
}

function partitionActions(scene: Scene, state: State, group: number, partition: number, emit: Emit): void {
  const { layout, world } = scene;
  const at = layout.chain(group, partition);
  const by = state[at + CHAIN.by] as number;
  if (by === 0) return;
  const process = by - 1;
  const holds =
    by !== ORPHAN &&
    state[layout.generation(process)] === CURRENT &&
    state[layout.held(process, partition) + HELD.holds] === 1;
  const who = (name: (process: number) => string): string => (by === ORPHAN ? 'who is dead' : name(process));
  const place = `of partition ${partition}`;
  if (state[at + CHAIN.offset] !== 0) commitTransaction(scene, state, group, partition, emit);
  else if (holds) {
    const next = state.slice();
    next[at + CHAIN.offset] = state[layout.held(process, partition) + HELD.own] as number;
    emit(
      'progress',
      next,
      (name) => `${who(name)} sends offset ${next[at + CHAIN.offset]} ${place} to its transaction`,
    );
  }
  if (holds && (state[layout.aborts] as number) >= (world.aborts ?? 0)) return;
  const next = state.slice();
  endTransaction(layout, next, group, partition);
  if (!holds) {
    emit('progress', next, (name) => `the transaction of ${who(name)} ${place} ends by its time-out`);
    return;
  }
  next[layout.aborts] = (next[layout.aborts] as number) + 1;
  next[layout.held(process, partition) + HELD.position] = firstOf(state[at + CHAIN.messages] as number);
  emit(
    'fault',
    next,
    (name) =>
      `${who(name)} gives its transaction up, and begins again at ${next[layout.held(process, partition) + HELD.position]} ${place}`,
  );
}

function commitTransaction(scene: Scene, state: State, group: number, partition: number, emit: Emit): void {
  const { layout } = scene;
  const next = state.slice();
  const at = layout.chain(group, partition);
  const by = state[at + CHAIN.by] as number;
  const offset = state[at + CHAIN.offset] as number;
  const messages = state[at + CHAIN.messages] as number;
  if (!state[at + CHAIN.overtaken]) next[layout.committed(group, partition)] = offset;
  if (by !== ORPHAN) {
    const held = layout.held(by - 1, partition);
    if (state[held + HELD.holds]) next[held + HELD.committed] = offset;
  }
  let violation: string | undefined;
  const side = (done: number): string => (done === DONE_BY_BASELINE ? 'baseline' : 'colored');
  const done = group === BASELINE ? DONE_BY_BASELINE : DONE_BY_COLORED;
  for (let message = 0; messages >> message; message++) {
    if (((messages >> message) & 1) === 0) continue;
    const status = layout.status(partition, message);
    if (next[status] !== UNHANDLED)
      violation ??= `handled twice: message ${message} of partition ${partition}, first by ${side(next[status] as number)}, then by ${side(done)}`;
    next[status] = done;
  }
  endTransaction(layout, next, group, partition);
  emit(
    'progress',
    next,
    (name) =>
      `the transaction of ${by === ORPHAN ? 'who is dead' : name(by - 1)} is committed, with offset ${offset} of partition ${partition}${state[at + CHAIN.overtaken] ? ', which a later commit has overtaken' : ''}`,
    violation,
  );
}

/** A handler is given a message of its own, in the transaction that is open, or a new one. */
export function handOut(scene: Scene, state: State, process: number, partition: number, emit: Emit): void {
  const { layout } = scene;
  const at = layout.chain(layout.groupOf(process), partition);
  const by = state[at + CHAIN.by];
  // Its offsets are sent: the next one begins when it has ended. Or another member's has ended this one's.
  if ((by !== 0 && by !== process + 1) || state[at + CHAIN.offset] !== 0) return;
  const held = layout.held(process, partition);
  const offset = state[held + HELD.position] as number;
  const next = state.slice();
  next[at + CHAIN.by] = process + 1;
  next[at + CHAIN.messages] = (state[at + CHAIN.messages] as number) | (1 << offset);
  next[held + HELD.position] = offset + 1;
  next[held + HELD.own] = offset + 1;
  emit(
    'progress',
    next,
    (name) => `${name(process)} handles message ${offset} of partition ${partition}, in a transaction`,
  );
}

/** What a step's commit says; `undefined` while it has to wait for the application. */
export function offsetForProof(
  scene: Scene,
  state: State,
  process: number,
  partition: number,
  { position }: CommitStep,
): number | undefined {
  const { layout } = scene;
  const group = layout.groupOf(process);
  if (isOpen(scene, state, process, partition)) return undefined;
  const { leave } = scene.hereFor(state, process, partition).current;
  const ends = group === COLORED && leave !== undefined && position >= leave;
  const standing = offsetIn(state[layout.committed(group, partition)] as number);
  if (ends) {
    const progress = progressOf(scene, state, process, partition);
    // It has looked at the broker, for a commit that it was not told of.
    const owes = owesCommit({ ...progress, committed: standing });
    if (owes && !scene.without('wait-for-the-application')) return undefined;
  }
  const byHand = !ends && !scene.without('repeat-what-stands');
  return Number(offsetOfProof(byHand, position, standing ?? (group === BASELINE ? 0n : undefined)));
}

/** What is committed of what was passed over; `NONE` for nothing. */
export function passedOffset(scene: Scene, state: State, process: number, partition: number): number {
  if (isOpen(scene, state, process, partition)) return NONE;
  const progress = progressOf(scene, state, process, partition);
  const { position, committed } = progress;
  const offset = scene.without('not-behind-open') ? position : offsetBehindPassed(progress);
  return offset === undefined || offset <= (committed ?? -1n) ? NONE : Number(offset);
}

function progressOf(scene: Scene, state: State, process: number, partition: number) {
  const at = scene.layout.held(process, partition);
  const own = state[at + HELD.own] as number;
  return {
    position: offsetIn(state[at + HELD.position] as number),
    committed: offsetIn(state[at + HELD.committed] as number),
    lastOwn: own === 0 ? undefined : offsetIn(own - 1),
  };
}

/** The application's own commit is under way in this process. */
function isOpen(scene: Scene, state: State, process: number, partition: number): boolean {
  if (scene.without('one-commit-at-a-time')) return false;
  const at = scene.layout.chain(scene.layout.groupOf(process), partition);
  return state[at + CHAIN.by] === process + 1 && state[at + CHAIN.offset] !== 0;
}

/** No transaction can commit other offsets of the group than those that are read now. */
export function isStable(scene: Scene, state: State, group: number): boolean {
  const { layout, world } = scene;
  if (!world.chain || !world.stable) return true;
  return scene.partitions().every((partition) => state[layout.chain(group, partition) + CHAIN.offset] === 0);
}

/** Its process is dead. One that has sent no offsets ends without having done anything. */
export function leaveTransactions(layout: Layout, next: State, process: number): void {
  if (!layout.world.chain) return;
  for (let partition = 0; partition < layout.partitionCount; partition++) {
    const at = layout.chain(layout.groupOf(process), partition);
    if (next[at + CHAIN.by] !== process + 1) continue;
    if (next[at + CHAIN.offset] === 0) endTransaction(layout, next, layout.groupOf(process), partition);
    else next[at + CHAIN.by] = ORPHAN;
  }
}

export function endTransaction(layout: Layout, next: State, group: number, partition: number): void {
  if (!layout.world.chain) return;
  const at = layout.chain(group, partition);
  next.fill(0, at, at + CHAIN_SIZE);
}

/** Commits count in the order in which they come, and the offsets of a transaction came when they were sent. */
export function overtake(layout: Layout, next: State, group: number, partition: number): void {
  if (!layout.world.chain) return;
  const at = layout.chain(group, partition);
  if (next[at + CHAIN.offset] !== 0) next[at + CHAIN.overtaken] = 1;
}

/** What was handled, and does not count yet. */
export function isInTransaction(layout: Layout, state: State, partition: number, offset: number): boolean {
  if (!layout.world.chain) return false;
  return [BASELINE, COLORED].some(
    (group) => (((state[layout.chain(group, partition) + CHAIN.messages] as number) >> offset) & 1) === 1,
  );
}

function firstOf(messages: number): number {
  let first = 0;
  while (((messages >> first) & 1) === 0) first++;
  return first;
}
