import {
  CURRENT,
  DONE_BY_BASELINE,
  DONE_BY_COLORED,
  HELD,
  HELD_SIZE,
  IN_DOUBT,
  type Layout,
  NONE,
  OLD,
  OUTSIDE,
  REDELIVERED,
  type State,
  UNHANDLED,
} from './layout.js';
import { endTransaction, overtake } from './transactions.js';
import { BASELINE } from './world.js';

/**
 * Two consumer groups, as a real broker keeps them. A rebalance begins a new generation at once; each member
 * learns of it when it synchronises, and until then goes on in the old one: it is a zombie.
 */
export class Broker {
  readonly #layout: Layout;

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  isMember(state: State, process: number): boolean {
    return (((state[this.#layout.members(this.#layout.groupOf(process))] as number) >> process) & 1) === 1;
  }

  hasMembers(state: State, group: number): boolean {
    return state[this.#layout.members(group)] !== 0;
  }

  /** Every outcome of a rebalance after which these are the members. */
  rebalance(
    state: State,
    group: number,
    members: number,
  ): { readonly next: State; readonly assignment: readonly number[] }[] {
    const { processes, partitionCount } = this.#layout;
    const able = processes.filter((process) => (members >> process) & 1);
    let assignments: number[][] = [[]];
    for (let partition = 0; partition < partitionCount; partition++) {
      const choices = able.length === 0 ? [NONE] : able;
      assignments = assignments.flatMap((assignment) => choices.map((choice) => [...assignment, choice]));
    }
    return assignments.map((assignment) => ({
      next: this.#newGeneration(state, group, members, assignment),
      assignment,
    }));
  }

  #newGeneration(state: State, group: number, members: number, assignment: readonly number[]): State {
    const { processes, groupOf, generation, up, assignee } = this.#layout;
    const next = state.slice();
    const before = state[this.#layout.members(group)] as number;
    next[this.#layout.members(group)] = members;
    assignment.forEach((process, partition) => {
      next[assignee(group, partition)] = process;
    });
    for (const process of processes) {
      if (groupOf(process) !== group || !next[up(process)]) continue;
      if (((members | before) >> process) & 1) {
        if (next[generation(process)] !== OUTSIDE || (members >> process) & 1)
          next[generation(process)] = OLD;
        this.forgive(next, process);
      }
    }
    return next;
  }

  /** A member learns of the generation and its assignment, and begins at the committed offsets. */
  synchronise(state: State, process: number): State {
    const { groupOf, generation, partitionCount, assignee, committed, held } = this.#layout;
    const next = state.slice();
    const group = groupOf(process);
    next[generation(process)] = CURRENT;
    for (let partition = 0; partition < partitionCount; partition++) {
      this.drop(next, process, partition);
      if (next[assignee(group, partition)] !== process) continue;
      const offset = next[committed(group, partition)] as number;
      const at = held(process, partition);
      next[at + HELD.holds] = 1;
      next[at + HELD.own] = 0;
      endTransaction(this.#layout, next, group, partition);
      next[at + HELD.committed] = offset;
      // The baseline's reset policy is 'earliest'.
      next[at + HELD.position] = offset === NONE && group === BASELINE ? 0 : offset;
      next[at + HELD.proof] = NONE;
    }
    return next;
  }

  /**
   * A commit, as a broker takes it: it looks at the member and its generation, and not at the assignment.
   *
   * @param retries the client sends a refused commit again, with the generation that its group is in by then.
   * @returns in which generation the broker took it; `refused` leaves the process outside its group.
   */
  commit(
    next: State,
    process: number,
    partition: number,
    offset: number,
    retries: boolean,
  ): 'own' | 'newer' | 'refused' {
    const { groupOf, generation, committed, held } = this.#layout;
    const current = next[generation(process)] === CURRENT;
    if (!current && !(retries && this.isMember(next, process))) {
      this.lose(next, process);
      return 'refused';
    }
    next[committed(groupOf(process), partition)] = offset;
    next[held(process, partition) + HELD.committed] = offset;
    overtake(this.#layout, next, groupOf(process), partition);
    if (!current) return 'newer';
    this.#settle(next, process, partition, offset);
    return 'own';
  }

  /** The process knows that it is in no generation: it holds nothing. */
  lose(next: State, process: number): void {
    this.forgive(next, process);
    next[this.#layout.generation(process)] = OUTSIDE;
    for (let partition = 0; partition < this.#layout.partitionCount; partition++)
      this.drop(next, process, partition);
  }

  drop(next: State, process: number, partition: number): void {
    const at = this.#layout.held(process, partition);
    next.fill(0, at, at + HELD_SIZE);
  }

  /** What a process handled and did not commit will be delivered again. */
  forgive(next: State, process: number): void {
    const { world, status } = this.#layout;
    const end = status(0, 0) + world.partitions.join('').length;
    for (let at = status(0, 0); at < end; at++) if (next[at] === IN_DOUBT + process) next[at] = REDELIVERED;
  }

  #settle(next: State, process: number, partition: number, offset: number): void {
    const { status, groupOf } = this.#layout;
    const done = groupOf(process) === BASELINE ? DONE_BY_BASELINE : DONE_BY_COLORED;
    for (let below = 0; below < offset; below++) {
      if (next[status(partition, below)] === IN_DOUBT + process) next[status(partition, below)] = done;
    }
  }

  /** A message was handled. Returns who had handled it before, if nothing explains that it came again. */
  handled(
    next: State,
    process: number,
    partition: number,
    offset: number,
  ): 'baseline' | 'colored' | undefined {
    const { status, generation, groupOf } = this.#layout;
    const at = status(partition, offset);
    const before = next[at] as number;
    if (next[generation(process)] !== CURRENT) {
      // A zombie's: its commit will be refused, and the message comes again to whoever holds the partition.
      if (before === UNHANDLED) next[at] = REDELIVERED;
      return undefined;
    }
    next[at] = IN_DOUBT + process;
    if (before === UNHANDLED || before === REDELIVERED) return undefined;
    const side = before >= IN_DOUBT ? groupOf(before - IN_DOUBT) : before === DONE_BY_BASELINE ? 0 : 1;
    return side === BASELINE ? 'baseline' : 'colored';
  }
}
