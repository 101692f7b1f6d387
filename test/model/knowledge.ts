import { DELETED, FENCES, type Layout, NONE, offsetIn, type State } from './layout.js';
import {
  encodeFence,
  encodeHandover,
  FenceStore,
  type FenceTable,
  fenceKey,
  type Handover,
  NEVER_JOINED,
  type Past,
  type PastInterval,
  stateKey,
  type Transition,
  withInterval,
} from './shipped.js';
import { COLOR, type World } from './world.js';

// Taken out of the globals, which are slow to reach from a test.
const { fromCharCode } = String;
const NAMES = { group: 'GID_x', topic: 'orders' };
export const CUSTODIAN = 'custodian';

/** The states of one epoch. `gone`: the entry is deleted. */
const KINDS = 7;

/**
 * Every state that a hand-over passes through, in order: in the bytes stands the index. Each epoch has a slot, in
 * which it has its number; a state that is read has the past of the slots before, as {@link Tables} knows it.
 */
export class Handovers {
  readonly all: readonly Handover[];
  readonly #numbersGrow: boolean;

  constructor(world: World) {
    this.#numbersGrow = world.without !== 'epochs-grow';
    const all: Handover[] = [NEVER_JOINED];
    for (let slot = 1; slot <= world.epochs; slot++) {
      const onLeave = 'drain';
      const epoch = this.number(slot);
      all.push({ kind: 'joining', epoch }, { kind: 'active', epoch }, { kind: 'leaving', epoch, onLeave });
      all.push({ kind: 'draining', epoch, onLeave }, { kind: 'draining', epoch, onLeave, closer: CUSTODIAN });
      all.push({ kind: 'absent', epoch }, { kind: 'absent', epoch });
    }
    this.all = all;
  }

  /** The number of the epoch in a slot. */
  number(slot: number): number {
    return this.#numbersGrow ? slot : 1;
  }

  at(index: number): Handover {
    return this.all[index] as Handover;
  }

  slot(index: number): number {
    return Math.ceil(index / KINDS);
  }

  /** There is no entry: the color never joined, or nobody needs to know of it any more. */
  isGone(index: number): boolean {
    return index % KINDS === 0;
  }

  absent(slot: number): number {
    return slot * KINDS - 1;
  }

  /** The first epoch whose fences count in this state. */
  since(index: number): number {
    const { kind, epoch } = this.at(index);
    return kind === 'absent' ? epoch + 1 : epoch;
  }

  /** The last epoch that is over in this state. */
  over(index: number): number {
    const { kind, epoch } = this.at(index);
    return kind === 'draining' || kind === 'absent' ? epoch : epoch - 1;
  }

  /** The state that a transition leads to. */
  after(index: number, transition: Transition): number {
    if (transition.kind === 'refused') throw new Error(`refused: ${transition.reason}`);
    const wanted = transition.state;
    for (let at = index + 1; at < this.all.length; at++) {
      const { kind, ...rest } = this.at(at);
      const closing = 'closer' in rest === 'closer' in wanted;
      if (kind === wanted.kind && closing && !this.isGone(at)) return at;
    }
    throw new Error(`no such state in the model: ${JSON.stringify(wanted)}`);
  }
}

/** The fence table of what somebody knows, through the real keys, codec and store; made once for each knowledge. */
export class Tables {
  readonly #layout: Layout;
  readonly #handovers: Handovers;
  readonly #made = new Map<string, FenceTable>();
  readonly unrefreshed: FenceTable;

  constructor(layout: Layout, handovers: Handovers) {
    this.#layout = layout;
    this.#handovers = handovers;
    this.unrefreshed = store().unrefreshed();
  }

  /** What a process knows. */
  of(state: State, process: number): FenceTable {
    const { fenceCount, knownFence, knownHandover, completeTo } = this.#layout;
    const handover = state[knownHandover(process)] as number;
    const fences = state.subarray(knownFence(process, 0), knownFence(process, fenceCount));
    return this.#table(state, handover, state[completeTo(process)] as number, fences);
  }

  /** What the directory holds. */
  truth(state: State): FenceTable {
    const { fenceCount, fence, handover } = this.#layout;
    const now = state[handover] as number;
    const fences = state
      .subarray(fence(0), fence(fenceCount))
      .map((offset) => (offset === NONE ? 0 : offset + 1));
    return this.#table(state, now, this.#handovers.over(now), fences);
  }

  /** What the entry says in this state of the slots that are over. */
  past(state: State, handover: number): Past {
    const { pastBit, foldedAt, partitionCount } = this.#layout;
    const past = new Map<number, readonly PastInterval[]>();
    const bits = this.#pastBits(state, handover);
    const last = this.#handovers.slot(handover);
    for (let partition = 0; partition < partitionCount; partition++) {
      let intervals: readonly PastInterval[] = [];
      for (let slot = 1; slot <= last; slot++) {
        if ((bits & pastBit(slot, partition)) === 0) continue;
        const [join, leave] = [foldedAt(slot, partition), foldedAt(slot, partition) + 1].map(
          (at) => offsetIn(state[at] as number) as bigint,
        );
        intervals = withInterval(intervals, { join: join as bigint, leave: leave as bigint });
      }
      if (intervals.length > 0) past.set(partition, intervals);
    }
    return past;
  }

  /** An epoch that joins over an entry takes its past along. */
  #pastBits(state: State, handover: number): number {
    const slot = this.#handovers.slot(handover);
    if (handover === 0 || this.#handovers.isGone(handover)) return 0;
    if (this.#handovers.at(handover).kind === 'absent')
      return (state[this.#layout.pastAt(slot)] as number) & ~DELETED;
    const before = slot === 1 ? 0 : (state[this.#layout.pastAt(slot - 1)] as number);
    return (before & DELETED) === 0 ? before : 0;
  }

  /** The bits of a slot that is folded now: what its epoch took along, and what it had itself. */
  foldedBits(state: State, handover: number): number {
    const { partitionCount, foldedAt, pastBit } = this.#layout;
    const slot = this.#handovers.slot(handover);
    let bits = this.#pastBits(state, this.#handovers.absent(slot) - 1);
    for (let partition = 0; partition < partitionCount; partition++) {
      const at = foldedAt(slot, partition);
      if ((state[at] as number) < (state[at + 1] as number)) bits |= pastBit(slot, partition);
    }
    return bits;
  }

  #table(state: State, handover: number, over: number, fences: State): FenceTable {
    const bits = this.#pastBits(state, handover);
    const folded = bits === 0 ? [] : this.#foldedBytes(state);
    const key = fromCharCode(handover, over, bits, ...fences, ...folded);
    let table = this.#made.get(key);
    if (table === undefined) {
      table = this.#make(handover, over, fences, this.past(state, handover));
      this.#made.set(key, table);
    }
    return table;
  }

  #foldedBytes(state: State): State {
    const { pastAt, world } = this.#layout;
    return state.subarray(pastAt(1), pastAt(world.epochs + 1));
  }

  #make(handover: number, over: number, fences: State, past: Past): FenceTable {
    const made = store();
    const { prefix } = made;
    if (this.#handovers.isGone(handover)) return made.current();
    const add = (key: string, value: string): void => made.add({ key, value, version: '1' });
    const { epoch } = this.#handovers.at(handover);
    // A later epoch begins over one that has ended: one that had not would be asked for again.
    const refreshed: Handover =
      over === 0
        ? NEVER_JOINED
        : epoch > over
          ? { kind: 'absent', epoch: over }
          : { kind: 'draining', epoch: over, onLeave: 'drain' };
    made.refresh([{ key: stateKey(prefix, COLOR), value: encodeHandover(refreshed, NAMES), version: '1' }]);
    const known = { ...this.#handovers.at(handover), since: this.#handovers.since(handover), past };
    add(stateKey(prefix, COLOR), encodeHandover(known, NAMES));
    fences.forEach((offset, index) => {
      if (offset === 0) return;
      const fence = FENCES[index % FENCES.length] as (typeof FENCES)[number];
      const place = Math.floor(index / FENCES.length);
      const partition = place % this.#layout.partitionCount;
      const epoch = 1 + Math.floor(place / this.#layout.partitionCount);
      add(fenceKey(prefix, COLOR, epoch, fence, partition), encodeFence(BigInt(offset - 1), 'model'));
    });
    return made.current();
  }
}

function store(): FenceStore {
  return new FenceStore({ ...NAMES, coloredGroup: (color) => `GID_${color}_x` });
}
