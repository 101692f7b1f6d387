import { FrontierQueue, IntList, StateSet } from './collections.js';
import type { State } from './layout.js';
import type { Emit } from './scene.js';

export interface Finding {
  /** `lost: ...`, `handled twice: ...`, or `stuck` where everything could stop for ever. */
  readonly violation: string;
  /** The shortest way there, an action a line. */
  readonly trace: readonly string[];
}

/** A world as a graph. */
export interface Explorable {
  readonly layout: {
    readonly size: number;
    canonical(state: State): { readonly state: State; readonly exchanged: boolean };
  };
  initial(): State;
  successors(state: State, report: Emit): void;
  lost(state: State): string | undefined;
  settled(state: State): boolean;
  nameOf(process: number): string;
}

export interface Exploration {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  readonly seconds: number;
  /** False when the limit was reached first. */
  readonly complete: boolean;
  readonly finding: Finding | undefined;
}

export interface ExploreOptions {
  /** Default: none. */
  readonly maxStates?: number;
  /** Also look for states from which not everything can be handled any more. Default true; costs memory. */
  readonly liveness?: boolean;
}

/**
 * Explores all states, breadth first, so that the first fault has the shortest trace. States are told apart
 * by 64 bits of hash (hash compaction: Stern and Dill 1995); with ten million states the chance that two
 * are taken for one is below 1 in 300,000.
 */
export function explore(model: Explorable, options: ExploreOptions = {}): Exploration {
  const { maxStates = Number.POSITIVE_INFINITY, liveness = true } = options;
  const start = performance.now();
  const search = new Search(model, liveness);
  const finding = search.run(maxStates) ?? (liveness && search.complete ? search.stuck() : undefined);
  const seconds = (performance.now() - start) / 1000;
  const { states, transitions, depth, complete } = search;
  return { states, transitions, depth, complete, seconds, finding };
}

class Search {
  readonly #model: Explorable;
  readonly #liveness: boolean;
  readonly #seen = new StateSet();
  /** The state that each was first reached from, and as the how-many-th of its successors. */
  readonly #parents = new IntList();
  readonly #ordinals = new IntList();
  /** Progress alone, as pairs: what must lead to the end without the operator's or a fault's help. */
  readonly #edges = new IntList();
  readonly #settled = new IntList();
  transitions = 0;
  depth = 0;
  complete = false;

  constructor(model: Explorable, liveness: boolean) {
    this.#model = model;
    this.#liveness = liveness;
  }

  get states(): number {
    return this.#seen.size;
  }

  run(maxStates: number): Finding | undefined {
    const { layout } = this.#model;
    let level = new FrontierQueue(layout.size);
    this.#visit(layout.canonical(this.#model.initial()).state, 0, 0, level);
    for (; level.length > 0 && this.states < maxStates; this.depth++) {
      const nextLevel = new FrontierQueue(layout.size);
      for (let at = 0; at < level.length && this.states < maxStates; at++) {
        const finding = this.#expand(level.state(at), level.id(at), nextLevel);
        if (finding !== undefined) return finding;
      }
      level = nextLevel;
    }
    this.complete = level.length === 0;
    return undefined;
  }

  #expand(state: State, id: number, nextLevel: FrontierQueue): Finding | undefined {
    const { layout } = this.#model;
    let ordinal = 0;
    let finding: Finding | undefined;
    this.#model.successors(state, (kind, next, _label, violation) => {
      this.transitions++;
      if (finding === undefined) {
        const found = this.#visit(layout.canonical(next).state, id, ordinal, nextLevel);
        if (this.#liveness && kind === 'progress' && found.id !== id) this.#edges.push(id, found.id);
        const fault = violation ?? (found.isNew ? this.#model.lost(next) : undefined);
        if (fault !== undefined) finding = { violation: fault, trace: this.#trace(id, ordinal) };
      }
      ordinal++;
    });
    return finding;
  }

  #visit(
    state: State,
    parent: number,
    ordinal: number,
    level: FrontierQueue,
  ): { id: number; isNew: boolean } {
    const found = this.#seen.add(state);
    if (found.isNew) {
      this.#parents.push(parent);
      this.#ordinals.push(ordinal);
      level.push(state, found.id);
      if (this.#liveness && this.#model.settled(state)) this.#settled.push(found.id);
    }
    return found;
  }

  /** The first state from which progress alone cannot lead to a settled one. */
  stuck(): Finding | undefined {
    const reaches = new Uint8Array(this.states);
    const { starts, sources } = reversed(this.#edges, this.states);
    const open = new IntList();
    for (let at = 0; at < this.#settled.length; at++) {
      open.push(this.#settled.get(at));
      reaches[this.#settled.get(at)] = 1;
    }
    for (let at = 0; at < open.length; at++) {
      const id = open.get(at);
      for (let edge = starts[id] as number; edge < (starts[id + 1] as number); edge++) {
        const source = sources[edge] as number;
        if (reaches[source]) continue;
        reaches[source] = 1;
        open.push(source);
      }
    }
    const id = reaches.indexOf(0);
    return id === -1
      ? undefined
      : { violation: 'stuck: not everything can be handled any more', trace: this.#trace(id) };
  }

  /** Replays the way to a state, and one action more. Names stay those of the first state, whoever was exchanged. */
  #trace(id: number, last?: number): string[] {
    const ordinals = last === undefined ? [] : [last];
    for (let at = id; at !== 0; at = this.#parents.get(at)) ordinals.unshift(this.#ordinals.get(at));
    const { layout } = this.#model;
    let { state, exchanged } = layout.canonical(this.#model.initial());
    return ordinals.map((wanted) => {
      let ordinal = 0;
      let line = '';
      let reached = state;
      const names = (process: number): string =>
        this.#model.nameOf(exchanged && process < 2 ? 1 - process : process);
      this.#model.successors(state, (_kind, next, label) => {
        if (ordinal++ !== wanted) return;
        reached = next;
        line = label(names);
      });
      const canonical = layout.canonical(reached);
      state = canonical.state;
      exchanged = exchanged !== canonical.exchanged;
      return line;
    });
  }
}

function reversed(edges: IntList, states: number): { starts: Int32Array; sources: Int32Array } {
  const starts = new Int32Array(states + 2);
  for (let at = 1; at < edges.length; at += 2)
    starts[edges.get(at) + 2] = (starts[edges.get(at) + 2] as number) + 1;
  for (let at = 2; at < starts.length; at++) starts[at] = (starts[at] as number) + (starts[at - 1] as number);
  const sources = new Int32Array(edges.length / 2);
  for (let at = 0; at < edges.length; at += 2) {
    const target = edges.get(at + 1) + 1;
    sources[starts[target] as number] = edges.get(at);
    starts[target] = (starts[target] as number) + 1;
  }
  return { starts, sources };
}
