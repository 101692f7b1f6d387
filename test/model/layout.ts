import type { FenceKind } from './shipped.js';
import type { World } from './world.js';

/** A state of the world: bytes, at the offsets that {@link Layout} gives. */
export type State = Uint8Array;

export const NONE = 255;

const OFFSETS: readonly bigint[] = [...new Uint8Array(NONE).keys()].map(BigInt);

/** The offset in a byte; `undefined` for none. From a list: a test's globals are slow to reach. */
export function offsetIn(byte: number): bigint | undefined {
  return OFFSETS[byte];
}
export const FENCES: readonly FenceKind[] = ['join', 'stop', 'leave'];

/** What became of a message. `IN_DOUBT + process`: handled by it, and not committed yet. */
export const UNHANDLED = 0;
export const DONE_BY_BASELINE = 1;
export const DONE_BY_COLORED = 2;
/** Handled by a process that crashed or lost the partition before it committed: the broker delivers it again. */
export const REDELIVERED = 3;
export const IN_DOUBT = 4;

/** Of a process in its group. A process in an OLD generation does not know it. */
export const OUTSIDE = 0;
export const OLD = 1;
export const CURRENT = 2;

/** Where the bytes of a state are. Processes 0 and 1 are the baseline's, 2 and 3 the colored group's. */
export class Layout {
  readonly world: World;
  readonly partitionCount: number;
  readonly fenceCount: number;
  readonly processes: readonly number[];
  readonly size: number;
  /** Fixed places. */
  readonly handover = 0;
  readonly crashes = 1;
  readonly moves = 2;
  /** What the custodian has seen: group + 1, the state then, and whether it has read the offsets. */
  readonly seenGroup = 3;
  readonly seenKnown = 4;
  readonly seenRead = 5;
  readonly deletion = 6;
  readonly #seenOffsets = 7;
  readonly #fences: number;
  readonly #statuses: readonly number[];
  readonly #groups: number;
  readonly #groupSize: number;
  readonly #processes: number;
  readonly #processSize: number;
  readonly #folded: number;
  readonly #forgets: number;
  readonly #chains: number;

  constructor(world: World) {
    this.world = world;
    this.partitionCount = world.partitions.length;
    this.processes = world.colored === 1 ? [0, 1, 2] : [0, 1, 2, 3];
    this.fenceCount = world.epochs * this.partitionCount * FENCES.length;
    let next = this.#seenOffsets + this.partitionCount;
    this.#folded = next;
    next += world.epochs * (1 + 2 * this.partitionCount);
    this.#fences = next;
    next += this.fenceCount;
    this.#statuses = world.partitions.map((log) => {
      next += log.length;
      return next - log.length;
    });
    this.#groups = next;
    this.#groupSize = 1 + 2 * this.partitionCount;
    next += 2 * this.#groupSize;
    this.#processes = next;
    this.#processSize = 4 + this.fenceCount + HELD_SIZE * this.partitionCount;
    this.#forgets = next + this.processes.length * this.#processSize;
    this.#chains = this.#forgets + ((world.forgets ?? 0) > 0 ? 1 + this.partitionCount : 0);
    this.size = this.#chains + (world.chain ? 1 + 2 * this.partitionCount * CHAIN_SIZE : 0);
  }

  /** How many transactions were given up; only where there are any. */
  get aborts(): number {
    return this.#chains;
  }
  /** The open transaction of a group in a partition. */
  chain = (group: number, partition: number): number =>
    this.#chains + 1 + (group * this.partitionCount + partition) * CHAIN_SIZE;

  /** What the entry says of the past when the slot's epoch is over: a bit for each slot and partition, and {@link DELETED}. */
  pastAt = (slot: number): number => this.#folded + (slot - 1) * (1 + 2 * this.partitionCount);
  pastBit = (slot: number, partition: number): number => 1 << ((slot - 1) * this.partitionCount + partition);
  /** The join and the leave fence that were folded, one after the other. */
  foldedAt = (slot: number, partition: number): number => this.pastAt(slot) + 1 + 2 * partition;

  /** How often the broker has forgotten offsets; only where it does. */
  get forgets(): number {
    return this.#forgets;
  }
  /** What the entry says that the colored group has committed; nothing where the broker forgets nothing. */
  kept = (state: State, partition: number): number =>
    this.#forgets < this.#chains ? ((state[this.keptAt(partition)] as number) || NONE + 1) - 1 : NONE;
  /** The offset and one more, 0 for none. */
  keptAt = (partition: number): number => this.#forgets + 1 + partition;

  groupOf = (process: number): number => (process < 2 ? 0 : 1);
  seenOffset = (partition: number): number => this.#seenOffsets + partition;
  fenceIndex = (epoch: number, fence: number, partition: number): number =>
    ((epoch - 1) * this.partitionCount + partition) * FENCES.length + fence;
  partitionOf = (index: number): number =>
    ((index - (index % FENCES.length)) / FENCES.length) % this.partitionCount;
  fence = (index: number): number => this.#fences + index;
  status = (partition: number, offset: number): number => (this.#statuses[partition] as number) + offset;

  members = (group: number): number => this.#groups + group * this.#groupSize;
  committed = (group: number, partition: number): number => this.members(group) + 1 + partition;
  assignee = (group: number, partition: number): number =>
    this.members(group) + 1 + this.partitionCount + partition;

  /** The committed offset as a number, 0 for none. */
  current = (state: State, group: number, partition: number): number => {
    const offset = state[this.committed(group, partition)] as number;
    const kept = group === 1 ? this.kept(state, partition) : NONE;
    if (offset !== NONE) return offset;
    return kept === NONE ? 0 : kept;
  };

  process = (process: number): number => this.#processes + process * this.#processSize;
  up = (process: number): number => this.process(process);
  generation = (process: number): number => this.process(process) + 1;
  knownHandover = (process: number): number => this.process(process) + 2;
  /** The last epoch that was over when the view was refreshed: fences that are missing from it do not exist. */
  completeTo = (process: number): number => this.process(process) + 3;
  /** The offset and one more, 0 for a fence that is not known. */
  knownFence = (process: number, index: number): number => this.process(process) + 4 + index;

  /** The bytes of a partition that a process holds, or believes to hold. */
  held = (process: number, partition: number): number =>
    this.process(process) + 4 + this.fenceCount + HELD_SIZE * partition;

  /** The same state with the two baseline processes exchanged, or itself: whichever comes first. */
  canonical(state: State): { readonly state: State; readonly exchanged: boolean } {
    const other = state.slice();
    const [first, second, end] = [this.process(0), this.process(1), this.process(2)];
    other.set(state.subarray(second, end), first);
    other.set(state.subarray(first, second), second);
    const members = state[this.members(0)] as number;
    other[this.members(0)] = ((members & 1) << 1) | (members >> 1);
    for (let partition = 0; partition < this.partitionCount; partition++) {
      const at = this.assignee(0, partition);
      if (other[at] !== NONE) other[at] = 1 - (other[at] as number);
    }
    for (let at = this.#statuses[0] as number; at < this.#groups; at++) {
      if (other[at] === IN_DOUBT) other[at] = IN_DOUBT + 1;
      else if (other[at] === IN_DOUBT + 1) other[at] = IN_DOUBT;
    }
    for (let partition = 0; this.world.chain && partition < this.partitionCount; partition++) {
      const at = this.chain(0, partition) + CHAIN.by;
      if (other[at] === 1 || other[at] === 2) other[at] = 3 - (other[at] as number);
    }
    for (let at = 0; at < this.size; at++) {
      const difference = (other[at] as number) - (state[at] as number);
      if (difference < 0) return { state: other, exchanged: true };
      if (difference > 0) break;
    }
    return { state, exchanged: false };
  }
}

/** In {@link Layout.pastAt}: the entry was deleted after this epoch. */
export const DELETED = 0x80;

export const HELD = {
  holds: 0,
  position: 1,
  committed: 2,
  refreshed: 3,
  inHand: 4,
  proof: 5,
  proofKnown: 6,
  /** The offset behind the last message that a handler was given; 0 for none. Only where the application commits. */
  own: 7,
} as const;
export const HELD_SIZE = 8;

/** A transaction that is open: whose (a process and one more), with which messages, and the offset that it commits. */
export const CHAIN = { by: 0, messages: 1, offset: 2, overtaken: 3 } as const;
export const CHAIN_SIZE = 4;
/** In {@link CHAIN}: its process is dead, and its commit may be on its way. */
export const ORPHAN = 9;
