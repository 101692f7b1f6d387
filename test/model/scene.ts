import { Broker } from './broker.js';
import { Handovers, Tables } from './knowledge.js';
import { FENCES, HELD, Layout, offsetIn, type State } from './layout.js';
import {
  type FenceTable,
  type HandoverHere,
  handoverHere,
  type Owner,
  owner,
  type Proof,
} from './shipped.js';
import { COLOR, COLORED, OTHER_COLOR, type Rule, type World } from './world.js';

/**
 * `progress` comes sooner or later where it can; `event` is the operator's choice; `fault` may come or not.
 * The number of events and faults is bounded by the world.
 */
export type ActionKind = 'progress' | 'event' | 'fault';

export type NameOf = (process: number) => string;

export type Emit = (
  kind: ActionKind,
  next: State,
  label: (name: NameOf) => string,
  violation?: string,
) => void;

/** What the actions of all processes share. */
export class Scene {
  readonly world: World;
  readonly layout: Layout;
  readonly handovers: Handovers;
  readonly tables: Tables;
  readonly broker: Broker;

  constructor(world: World) {
    this.world = world;
    this.layout = new Layout(world);
    this.handovers = new Handovers(world);
    this.tables = new Tables(this.layout, this.handovers);
    this.broker = new Broker(this.layout);
  }

  without(rule: Rule): boolean {
    return this.world.without === rule;
  }

  get retries(): boolean {
    return this.without('proof-in-one-generation') || this.without('commit-once');
  }

  partitions(): number[] {
    return this.world.partitions.map((_, partition) => partition);
  }

  /** The color of a message; `undefined` for none. */
  color(partition: number, offset: number): string | undefined {
    const letter = this.world.partitions[partition]?.[offset];
    return letter === 'c' ? COLOR : letter === 'd' ? OTHER_COLOR : undefined;
  }

  /** What a process goes by: its view, or nothing while that was not refreshed since the assignment. */
  tableOf(state: State, process: number, refreshed: boolean): FenceTable {
    return refreshed ? this.tables.of(state, process) : this.tables.unrefreshed;
  }

  /** What the next step is decided from. */
  here(table: FenceTable, partition: number): HandoverHere {
    return handoverHere(table, COLOR, partition);
  }

  hereFor(state: State, process: number, partition: number): HandoverHere {
    return this.here(this.tables.of(state, process), partition);
  }

  /** The same with what was kept of the progress: whoever has no offset has just read the directory. */
  withKept(here: HandoverHere, state: State, partition: number): HandoverHere {
    return { ...here, progress: offsetIn(this.layout.kept(state, partition)) };
  }

  /** Whether messages of the epoch that ends are not handled yet. */
  somethingLeft(state: State): boolean {
    const { current } = this.layout;
    const fences = this.tables.truth(state);
    return this.partitions().some((partition) => {
      const { join, leave } = this.here(fences, partition).current;
      return (
        leave !== undefined &&
        join !== undefined &&
        current(state, COLORED, partition) < leave &&
        join < leave
      );
    });
  }

  /** Who a process believes a message to belong to. */
  owner(state: State, process: number, partition: number, offset: number, refreshed: boolean): Owner['kind'] {
    const color = this.color(partition, offset);
    if (this.without('fences')) {
      const { kind } = this.handovers.at(state[this.layout.knownHandover(process)] as number);
      return color === COLOR && (kind === 'joining' || kind === 'active') ? 'colored' : 'baseline';
    }
    return owner(color, partition, offsetIn(offset) as bigint, this.tableOf(state, process, refreshed)).kind;
  }

  /** The same for a baseline consumer, which waits where the owner is undecided. */
  baselineOwner(
    state: State,
    process: number,
    partition: number,
    offset: number,
    refreshed: boolean,
  ): Owner['kind'] {
    const owner = this.owner(state, process, partition, offset, refreshed);
    if (owner !== 'undecided' || !refreshed) return owner;
    const { handover, current } = this.hereFor(state, process, partition);
    if (this.without('wait-for-the-fence') && current.join === undefined) return 'baseline';
    const leaving = handover.kind === 'leaving' && current.join !== undefined;
    return this.without('wait-for-the-leave-fence') && leaving ? 'colored' : owner;
  }

  /** The proof that a process holds for a partition, as the step functions read it. Its own generation is 1. */
  proof(state: State, at: number): Proof | undefined {
    const position = offsetIn(state[at + HELD.proof] as number);
    if (position === undefined) return undefined;
    return { generation: 1, position, known: this.handovers.at(state[at + HELD.proofKnown] as number) };
  }

  /** A proof that nobody gave, for a rule that is taken out. */
  forged(position: number, known: HandoverHere['handover']): Proof {
    return { generation: 1, position: offsetIn(position) as bigint, known: known as Proof['known'] };
  }

  /** The number of the epoch that a fence is of. */
  epochOf(index: number): number {
    return 1 + Math.floor(index / (FENCES.length * this.layout.partitionCount));
  }

  describe(handover: number): string {
    const state = this.handovers.at(handover);
    const closing = state.kind === 'draining' && state.closer !== undefined;
    if (this.handovers.isGone(handover)) return 'no entry';
    return `${state.kind}(${state.epoch})${closing ? ', closing' : ''}`;
  }

  describeFence(state: State, index: number): string {
    const { partitionCount, fence } = this.layout;
    const place = Math.floor(index / FENCES.length);
    const epoch = this.epochOf(index);
    return `${FENCES[index % FENCES.length]}[${epoch}][${place % partitionCount}] = ${state[fence(index)]}`;
  }
}
