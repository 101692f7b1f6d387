import { custodianActions } from './custodian.js';
import { FENCES, type Layout, NONE, offsetIn, type State, UNHANDLED } from './layout.js';
import { processActions, reassign } from './processes.js';
import { type Emit, Scene } from './scene.js';
import { owner } from './shipped.js';
import { deadFences } from './sweep.js';
import { isInTransaction, transactionActions } from './transactions.js';
import { tidy } from './views.js';
import { BASELINE, COLOR, COLORED, type World } from './world.js';

/** The world as a graph: where it begins, what can happen next, what must never be, and what must stay possible. */
export class Model {
  readonly #scene: Scene;

  constructor(world: World) {
    this.#scene = new Scene(world);
  }

  get layout(): Layout {
    return this.#scene.layout;
  }

  /** Nothing runs, nothing is committed, no color ever joined. */
  initial(): State {
    const { layout, broker, world } = this.#scene;
    const state = new Uint8Array(layout.size);
    for (let index = 0; index < layout.fenceCount; index++) state[layout.fence(index)] = NONE;
    for (const group of [BASELINE, COLORED]) {
      for (const partition of this.#scene.partitions()) {
        state[layout.committed(group, partition)] = NONE;
        state[layout.assignee(group, partition)] = NONE;
      }
    }
    if (!world.running) return state;
    state[layout.up(0)] = 1;
    const [assigned] = broker.rebalance(state, BASELINE, 1);
    return broker.synchronise(assigned?.next as State, 0);
  }

  /** Everything that can happen next. */
  successors(state: State, report: Emit): void {
    const emit: Emit = (kind, next, label, violation) => {
      tidy(this.#scene, next);
      report(kind, next, label, violation);
    };
    for (const process of this.layout.processes) processActions(this.#scene, state, process, emit);
    for (const group of [BASELINE, COLORED]) reassign(this.#scene, state, group, emit);
    custodianActions(this.#scene, state, emit);
    transactionActions(this.#scene, state, emit);
  }

  /** A message that nobody handled, and nobody ever will: its owner is past it. */
  lost(state: State): string | undefined {
    const { layout, world } = this.#scene;
    for (const partition of this.#scene.partitions()) {
      const { length } = world.partitions[partition] as string;
      for (let offset = 0; offset < length; offset++) {
        if (state[layout.status(partition, offset)] !== UNHANDLED) continue;
        if (isInTransaction(layout, state, partition, offset)) continue;
        if (this.#isPast(state, partition, offset))
          return `lost: message ${offset} of partition ${partition}`;
      }
    }
    return undefined;
  }

  #isPast(state: State, partition: number, offset: number): boolean {
    const scene = this.#scene;
    const { layout } = scene;
    const baseline = layout.current(state, BASELINE, partition) > offset;
    const colored = layout.current(state, COLORED, partition) > offset;
    const handover = scene.handovers.at(state[layout.handover] as number);
    if (scene.without('fences')) return baseline && (colored || handover.kind === 'absent');
    const fences = scene.tables.truth(state);
    const found = owner(scene.color(partition, offset), partition, offsetIn(offset) as bigint, fences);
    if (found.kind === 'baseline') return baseline;
    if (found.kind === 'undecided') return false;
    // A zombie of the colored group may have it in hand; what it owned in a closed epoch nobody reads again.
    const { epochs = [], past = [] } = fences.colors.get(COLOR)?.partitions.get(partition) ?? {};
    if (past.some(({ join, leave }) => join <= offset && offset < leave)) return true;
    const epoch = epochs.find(
      ({ join, leave }) => join !== undefined && join <= offset && (leave ?? Infinity) > offset,
    );
    const closed = epoch !== undefined && (handover.epoch > epoch.epoch || handover.kind === 'absent');
    return colored || closed;
  }

  /** Every message is handled, and no hand-over is half done. */
  settled(state: State): boolean {
    const { layout, handovers, world } = this.#scene;
    const end = layout.status(0, 0) + world.partitions.join('').length;
    for (let at = layout.status(0, 0); at < end; at++) if (state[at] === UNHANDLED) return false;
    const { kind, epoch } = handovers.at(state[layout.handover] as number);
    if (deadFences(this.#scene, state).length > 0) return false;
    if (kind !== 'joining') return kind === 'active' || handovers.isGone(state[layout.handover] as number);
    const joined = layout.fenceIndex(epoch, 0, 0);
    return (
      !world.fine &&
      this.#scene.partitions().every((at) => state[layout.fence(joined + at * FENCES.length)] !== NONE)
    );
  }

  nameOf(process: number): string {
    return ['baseline-1', 'baseline-2', 'feat-1', 'feat-2'][process] as string;
  }
}
