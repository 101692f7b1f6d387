import type { Color } from '@colorway/core';
import { backoffMs, type Reporter, reasonOf } from '@colorway/core/background';
import type { HeldPartition } from './held-partition.js';
import { NotNow } from './partition-steps.js';
import { troubleOf } from './prove.js';

const FIRST_MS = 200;
const MAX_MS = 10_000;
/** A rebalance or a broker that restarts makes so many steps fail: nothing to speak of. */
const USUAL_FAILURES = 5;
const FAILED = 'COLORWAY_HANDOVER_FAILED';

export interface AdvancesOptions {
  readonly reporter: Reporter;
  /** The group at the broker. */
  readonly group: string;
  /** The colors that may have steps in a partition; `undefined` for those that belong to none. */
  readonly colors: (held: HeldPartition) => Iterable<Color | undefined>;
  readonly advance: (held: HeldPartition, color: Color | undefined) => Promise<void>;
  /** All steps of a color were taken that can be now. */
  readonly settled: (held: HeldPartition) => void;
}

/** One color's steps in one partition. */
interface Turn {
  readonly held: HeldPartition;
  readonly color: Color | undefined;
  /** Its steps are being taken; `again` when something changed meanwhile. */
  advancing: boolean;
  again: boolean;
  /** Steps that failed one after the other. */
  failures: number;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Takes the steps of partitions, and again when something changed; with back-off where they fail. Each color in each
 * partition goes by itself: a call that hangs or fails for one holds up no other.
 */
export class Advances {
  readonly #options: AdvancesOptions;
  readonly #turns = new Map<HeldPartition, Map<Color | undefined, Turn>>();
  #over = false;

  constructor(options: AdvancesOptions) {
    this.#options = options;
  }

  /** Something may be due. A color that has failed often waits its time out, unless what it waits for may have come. */
  kick(held: HeldPartition, hurry = false): void {
    if (this.#over || !held.current) return;
    for (const color of [...this.#options.colors(held)]) this.#kick(this.#turn(held, color), hurry);
  }

  /** To be looked at again after so long, whatever happens. */
  later(held: HeldPartition, ms: number): void {
    if (this.#over || !held.current) return;
    for (const color of [...this.#options.colors(held)]) this.#later(this.#turn(held, color), ms);
  }

  /** The partition is not held any more. */
  forget(held: HeldPartition): void {
    for (const turn of this.#turns.get(held)?.values() ?? []) {
      clearTimeout(turn.timer);
      if (turn.failures > 0) this.#options.reporter.forget(FAILED, this.#subject(turn));
    }
    this.#turns.delete(held);
  }

  end(): void {
    this.#over = true;
    for (const held of [...this.#turns.keys()]) this.forget(held);
  }

  #turn(held: HeldPartition, color: Color | undefined): Turn {
    let turns = this.#turns.get(held);
    if (turns === undefined) {
      turns = new Map();
      this.#turns.set(held, turns);
    }
    let turn = turns.get(color);
    if (turn === undefined) {
      turn = { held, color, advancing: false, again: false, failures: 0, timer: undefined };
      turns.set(color, turn);
    }
    return turn;
  }

  #kick(turn: Turn, hurry: boolean): void {
    if (this.#over || !turn.held.current) return;
    if (!hurry && turn.failures > USUAL_FAILURES && turn.timer !== undefined) return;
    turn.again = true;
    if (turn.advancing) return;
    turn.advancing = true;
    void this.#advance(turn);
  }

  #later(turn: Turn, ms: number): void {
    if (this.#over || !turn.held.current) return;
    clearTimeout(turn.timer);
    turn.timer = setTimeout(() => {
      turn.timer = undefined;
      this.#kick(turn, true);
    }, ms).unref();
  }

  async #advance(turn: Turn): Promise<void> {
    const { advance, settled, reporter } = this.#options;
    const { held, color } = turn;
    try {
      while (turn.again && held.current) {
        turn.again = false;
        await advance(held, color);
      }
      if (turn.failures > 0) reporter.working(FAILED, this.#subject(turn));
      held.failures -= turn.failures;
      turn.failures = 0;
      held.trouble = undefined;
      settled(held);
    } catch (error) {
      if (held.current) this.#failed(turn, error);
    } finally {
      turn.advancing = false;
    }
    if (turn.again) this.#kick(turn, false);
  }

  /** The directory or the broker is away, or the group rebalances; or it never will, which is to be told. */
  #failed(turn: Turn, error: unknown): void {
    const { reporter, group } = this.#options;
    const { held } = turn;
    held.trouble ??= troubleOf(error, group, held.topic);
    const { trouble } = held;
    if (trouble !== undefined || turn.failures >= USUAL_FAILURES || !(error instanceof NotNow)) {
      const cause = error instanceof NotNow ? (error.cause ?? error) : error;
      const remedy = trouble === undefined ? '' : ` ${trouble.remedy}`;
      const told = remedy === '' ? cause : new Error(`${reasonOf(cause)}.${remedy}`, { cause });
      reporter.failing(FAILED, this.#subject(turn), told);
    }
    held.failures++;
    this.#later(turn, backoffMs(turn.failures++, MAX_MS, Math.random, FIRST_MS));
  }

  #subject({ held: { topic, partition }, color }: Turn): string {
    const of = color === undefined ? '' : ` color ${color},`;
    return `The hand-over of group ${this.#options.group}, topic ${topic}, partition ${partition},${of}`;
  }
}
