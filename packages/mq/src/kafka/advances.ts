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
  readonly advance: (held: HeldPartition) => Promise<void>;
  /** All steps were taken that can be now. */
  readonly settled: (held: HeldPartition) => void;
}

/** Takes the steps of partitions, of each by itself, and again when something changed; with back-off where they fail. */
export class Advances {
  readonly #options: AdvancesOptions;
  readonly #timers = new Map<HeldPartition, NodeJS.Timeout>();
  #over = false;

  constructor(options: AdvancesOptions) {
    this.#options = options;
  }

  /** Something may be due. A partition that has failed often waits its time out, unless what it waits for may have come. */
  kick(held: HeldPartition, hurry = false): void {
    if (this.#over || !held.current) return;
    if (!hurry && held.failures > USUAL_FAILURES && this.#timers.has(held)) return;
    held.again = true;
    if (held.advancing) return;
    held.advancing = true;
    void this.#advance(held);
  }

  /** To be looked at again after so long, whatever happens. */
  later(held: HeldPartition, ms: number): void {
    if (this.#over || !held.current) return;
    clearTimeout(this.#timers.get(held));
    const timer = setTimeout(() => {
      this.#timers.delete(held);
      this.kick(held, true);
    }, ms).unref();
    this.#timers.set(held, timer);
  }

  /** The partition is not held any more. */
  forget(held: HeldPartition): void {
    clearTimeout(this.#timers.get(held));
    this.#timers.delete(held);
    if (held.failures > 0) this.#options.reporter.forget(FAILED, this.#subject(held));
  }

  end(): void {
    this.#over = true;
    for (const held of [...this.#timers.keys()]) this.forget(held);
  }

  async #advance(held: HeldPartition): Promise<void> {
    const { advance, settled, reporter } = this.#options;
    try {
      while (held.again && held.current) {
        held.again = false;
        await advance(held);
      }
      if (held.failures > 0) reporter.working(FAILED, this.#subject(held));
      held.failures = 0;
      held.trouble = undefined;
      settled(held);
    } catch (error) {
      if (held.current) this.#failed(held, error);
    } finally {
      held.advancing = false;
    }
    if (held.again) this.kick(held);
  }

  /** The directory or the broker is away, or the group rebalances; or it never will, which is to be told. */
  #failed(held: HeldPartition, error: unknown): void {
    const { reporter, group } = this.#options;
    held.trouble ??= troubleOf(error, group, held.topic);
    const { trouble } = held;
    if (trouble !== undefined || held.failures >= USUAL_FAILURES || !(error instanceof NotNow)) {
      const cause = error instanceof NotNow ? (error.cause ?? error) : error;
      const remedy = trouble === undefined ? '' : ` ${trouble.remedy}`;
      const told = remedy === '' ? cause : new Error(`${reasonOf(cause)}.${remedy}`, { cause });
      reporter.failing(FAILED, this.#subject(held), told);
    }
    this.later(held, backoffMs(held.failures++, MAX_MS, Math.random, FIRST_MS));
  }

  #subject({ topic, partition }: HeldPartition): string {
    return `The hand-over of group ${this.#options.group}, topic ${topic}, partition ${partition},`;
  }
}
