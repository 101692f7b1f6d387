import type { Coloring, MqWaiting, MqWork } from '@colorway/core';
import { Reconciler, type Scope, type StepOutcome } from '@colorway/core/background';

/** One channel's part in a queue, which knows what has to be bound for it. */
export interface KeptQueue {
  /** As the baseline names it. */
  readonly queue: string;
  /** Finds out whether what should be there is there, and puts it back. */
  restore(): Promise<StepOutcome>;
}

/** Between two looks at one queue, whoever asks. */
const FLOOR_MS = 1_000;

/**
 * Others change the topology under us: an operator deletes a queue, a script an exchange, a policy lets both expire. What
 * consumers of this connection need is looked at again at a low rate, and at once when something hints at it.
 */
export class TopologyUpkeep {
  readonly #coloring: Coloring;
  readonly #idleMs: number;
  readonly #scope: () => Scope;
  readonly #kept = new Map<string, Set<KeptQueue>>();
  /** Queues that were joined just now. */
  readonly #fresh = new Set<string>();
  #reconciler: Reconciler<string> | undefined;
  /** Whose the reconciler is. */
  #ofScope: Scope | undefined;

  constructor(coloring: Coloring, scope: () => Scope, idleMs: number) {
    this.#coloring = coloring;
    this.#scope = scope;
    this.#idleMs = idleMs;
  }

  /** Looks after a queue from now on. Returns how to end that. */
  keep(kept: KeptQueue): () => void {
    const { queue } = kept;
    const known = this.#kept.get(queue) ?? new Set();
    if (known.size === 0) this.#fresh.add(queue);
    this.#kept.set(queue, known.add(kept));
    this.#running().look(queue);
    return () => {
      known.delete(kept);
      if (known.size === 0) this.#kept.delete(queue);
    };
  }

  /** Something may be missing: for one queue, or for all. */
  look(queue?: string): void {
    this.#reconciler?.look(queue);
  }

  /** What consumers of a queue wait for here. */
  waiting(queue: string): MqWaiting | undefined {
    const status = this.#work().find(({ key }) => key === queue);
    if (status?.state !== 'waiting' || status.waitingFor === undefined) return undefined;
    return {
      for: status.waitingFor,
      ms: Date.now() - status.since,
      remedy: `Start a baseline that declares queue ${queue} through coloredChannel; a running one puts its routing back by itself.`,
    };
  }

  #work(): readonly MqWork[] {
    const all = this.#reconciler?.status() ?? [];
    return all
      .filter(({ key }) => this.#kept.has(key))
      .map((status) => ({ ...status, broker: 'amqp', name: `topology of ${status.key}` }));
  }

  /** A connection that was idle has a new scope when it is used again. */
  #running(): Reconciler<string> {
    const scope = this.#scope();
    if (this.#reconciler === undefined || this.#ofScope !== scope) {
      this.#ofScope = scope;
      this.#reconciler = new Reconciler({
        ...{ scope, name: 'RabbitMQ topology of', idleMs: this.#idleMs, floorMs: FLOOR_MS },
        keys: () => this.#kept.keys(),
        step: (queue) => this.#step(queue),
      });
      scope.defer(this.#coloring.mq.add(() => ({ work: this.#work() })));
    }
    return this.#reconciler;
  }

  async #step(queue: string): Promise<StepOutcome> {
    const [first] = this.#kept.get(queue) ?? [];
    // Whoever joined has just built it.
    if (this.#fresh.delete(queue) || first === undefined) return { kind: 'settled' };
    return await first.restore();
  }
}
