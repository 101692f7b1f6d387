import { FENCES, type Layout, NONE, type State } from './layout.js';
import {
  encodeFence,
  encodeHandover,
  FenceStore,
  type FenceTable,
  fenceKey,
  type Handover,
  NEVER_JOINED,
  stateKey,
  type Transition,
} from './shipped.js';
import { COLOR, type World } from './world.js';

// Taken out of the globals, which are slow to reach from a test.
const { fromCharCode } = String;
const NAMES = { group: 'GID_x', topic: 'orders' };
export const CUSTODIAN = 'custodian';

/** Every state that a hand-over passes through, in order: in the bytes stands the index. */
export class Handovers {
  readonly all: readonly Handover[];
  readonly #indexes: ReadonlyMap<string, number>;

  constructor(world: World) {
    const all: Handover[] = [NEVER_JOINED];
    for (let epoch = 1; epoch <= world.epochs; epoch++) {
      const onLeave = 'drain';
      all.push({ kind: 'joining', epoch }, { kind: 'active', epoch }, { kind: 'leaving', epoch, onLeave });
      all.push({ kind: 'draining', epoch, onLeave }, { kind: 'draining', epoch, onLeave, closer: CUSTODIAN });
      all.push({ kind: 'absent', epoch });
    }
    this.all = all;
    this.#indexes = new Map(all.map((handover, index) => [JSON.stringify(handover), index]));
  }

  at(index: number): Handover {
    return this.all[index] as Handover;
  }

  indexOf(handover: Handover): number {
    const index = this.#indexes.get(JSON.stringify(handover));
    if (index === undefined) throw new Error(`no such state in the model: ${JSON.stringify(handover)}`);
    return index;
  }

  /** The last epoch that is over in this state. */
  over(index: number): number {
    const { kind, epoch } = this.at(index);
    return kind === 'draining' || kind === 'absent' ? epoch : epoch - 1;
  }

  after(transition: Transition): number {
    if (transition.kind === 'refused') throw new Error(`refused: ${transition.reason}`);
    return this.indexOf(transition.state);
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
    const { fenceCount, knownFences, fence, knownHandover, completeTo } = this.#layout;
    const known: number[] = [state[knownHandover(process)] as number, state[completeTo(process)] as number];
    for (let index = 0; index < fenceCount; index++) {
      const seen = ((state[knownFences(process, index)] as number) >> (index & 7)) & 1;
      known.push(seen ? (state[fence(index)] as number) : NONE);
    }
    return this.#table(known);
  }

  /** What the directory holds. */
  truth(state: State): FenceTable {
    const { fenceCount, fence, handover } = this.#layout;
    const now = state[handover] as number;
    return this.#table([now, this.#handovers.over(now), ...state.subarray(fence(0), fence(fenceCount))]);
  }

  #table(known: readonly number[]): FenceTable {
    const key = fromCharCode(...known);
    let table = this.#made.get(key);
    if (table === undefined) {
      table = this.#make(known);
      this.#made.set(key, table);
    }
    return table;
  }

  #make([handover = 0, over = 0, ...fences]: readonly number[]): FenceTable {
    const made = store();
    const { prefix } = made;
    const add = (key: string, value: string): void => made.add({ key, value, version: '1' });
    const refreshed = encodeHandover({ kind: 'draining', epoch: over, onLeave: 'drain' }, NAMES);
    if (over > 0) made.refresh([{ key: stateKey(prefix, COLOR), value: refreshed, version: '1' }]);
    if (handover > 0) add(stateKey(prefix, COLOR), encodeHandover(this.#handovers.at(handover), NAMES));
    fences.forEach((offset, index) => {
      if (offset === NONE) return;
      const fence = FENCES[index % FENCES.length] as (typeof FENCES)[number];
      const place = Math.floor(index / FENCES.length);
      const partition = place % this.#layout.partitionCount;
      const epoch = 1 + Math.floor(place / this.#layout.partitionCount);
      add(fenceKey(prefix, COLOR, epoch, fence, partition), encodeFence(BigInt(offset), 'model'));
    });
    return made.current();
  }
}

function store(): FenceStore {
  return new FenceStore({ ...NAMES, coloredGroup: (color) => `GID_${color}_x` });
}
