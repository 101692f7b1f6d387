import { type Color, type LeaveWait, type MqWork, waitsAfterFailure, waitsForHandler } from '@colorway/core';
import { Reconciler, type Scope, type StepOutcome } from '@colorway/core/background';
import type { OnLeave } from '../../ownership/handover-state.js';
import { type DrainStanding, waitsForConsumer } from '../handover/handover-reconciler.js';
import type { Discarded } from '../messages/discarded.js';
import { HandlerFailures } from '../messages/handler-failures.js';
import { type DrainOptions, drainColor } from './drain-color.js';

/** Whoever asked by `leaveGroup` to discard does it, and counts. Only where he has gone the consumers do. */
const DISCARD_AFTER_MS = 10_000;
const IDLE_MS = 60_000;
/** Of a drain whose consumer crashed, or could not join. */
const BACKOFF = { firstMs: 500, maxMs: 30_000 };

type PassedOn = 'coloring' | 'kafka' | 'admin' | 'topics' | 'run' | 'turns' | 'policy' | 'config';

export interface BackgroundDrainsOptions extends Pick<DrainOptions, PassedOn> {
  readonly scope: Scope;
  /** The baseline's, as the application names it. */
  readonly group: string;
  readonly mayDrain: (color: Color, onLeave: OnLeave) => Promise<boolean>;
  /** Whether it leaves because its membership ended: then it is for the consumers to do. */
  readonly isAskedFor: (color: Color) => boolean;
  readonly onDiscard: (color: Color, discarded: Discarded) => Promise<void>;
  /** A drain has come to its end. */
  readonly onDrained: (color: Color) => void;
}

/** One drain of a color that this process does; gone when nothing is left to do. */
interface Drain {
  onLeave: OnLeave;
  /** Of the try that is under way. */
  attempt: AbortController | undefined;
  readonly failures: HandlerFailures;
}

/**
 * One drain of a color at a time in a process: its topics are drained together, for they are one group. A try that
 * fails is followed by another one, with pauses that grow; a drain becomes a discard as soon as that is wanted.
 */
export class BackgroundDrains {
  readonly #options: BackgroundDrainsOptions;
  readonly #reconciler: Reconciler<Color>;
  readonly #drains = new Map<Color, Drain>();
  readonly #discards = new Map<Color, number>();

  constructor(options: BackgroundDrainsOptions) {
    this.#options = options;
    const { scope, group } = options;
    this.#reconciler = new Reconciler({
      scope,
      name: `drain for ${group}`,
      keys: () => this.#drains.keys(),
      step: (color, signal) => this.#step(color, signal),
      idleMs: IDLE_MS,
      backoff: BACKOFF,
    });
  }

  /** How the drain of a color stands that this process does; from here on with what is wanted now. */
  standing(color: Color, onLeave: OnLeave): DrainStanding | undefined {
    const drain = this.#drains.get(color);
    if (drain === undefined) return undefined;
    if (drain.onLeave !== onLeave) {
      drain.onLeave = onLeave;
      drain.attempt?.abort();
    }
    return { kind: 'ours', ...this.#waitsFor(color, drain) };
  }

  /** Messages of a color without members are left. Says whether this process drains them, and how that stands. */
  async want(color: Color, onLeave: OnLeave): Promise<DrainStanding> {
    const known = this.standing(color, onLeave);
    if (known !== undefined) return known;
    const { group, topics, mayDrain, isAskedFor } = this.#options;
    const notOurs = waitsForConsumer(group, [...topics.keys()].join(', '));
    if (onLeave === 'discard' && !isAskedFor(color) && !this.#isOverdue(color)) return notOurs;
    if (!(await mayDrain(color, onLeave))) return notOurs;
    this.#discards.delete(color);
    const failures = new HandlerFailures(this.#options.scope);
    this.#drains.set(color, { onLeave, attempt: undefined, failures });
    this.#reconciler.look(color);
    return { kind: 'ours', waitingFor: `a consumer of ${group}` };
  }

  status(): MqWork[] {
    const name = `drain for ${this.#options.group}`;
    return this.#reconciler.status().map((key) => ({ ...key, broker: 'kafka', name }));
  }

  async #step(color: Color, signal: AbortSignal): Promise<StepOutcome> {
    const drain = this.#drains.get(color);
    if (drain === undefined) return { kind: 'settled' };
    const { coloring, kafka, admin, topics, run, turns, policy, config, onDiscard, onDrained } =
      this.#options;
    const attempt = new AbortController();
    drain.attempt = attempt;
    const { onLeave, failures } = drain;
    try {
      await drainColor({
        ...{ coloring, kafka, admin, topics, run, turns, policy, config, color, onLeave, failures },
        onDiscard: (discarded) => onDiscard(color, discarded),
        signal: AbortSignal.any([signal, attempt.signal]),
      });
    } finally {
      drain.attempt = undefined;
      failures.clear();
    }
    // What is wanted has changed: it begins anew.
    if (attempt.signal.aborted) return { kind: 'again', afterMs: 0 };
    this.#drains.delete(color);
    onDrained(color);
    return { kind: 'settled' };
  }

  #waitsFor(color: Color, { failures, onLeave }: Drain): LeaveWait {
    const { group, coloring } = this.#options;
    const whose = { broker: 'kafka', service: coloring.service, color, group, onLeave };
    const nobody = `a consumer of ${group}`;
    const poisoned = failures.worst();
    if (poisoned !== undefined) {
      const { topic, partition, offset, reason } = poisoned;
      return waitsForHandler(whose, `${topic}/${partition}@${offset}: ${reason}`);
    }
    const { lastError } = this.#reconciler.status().find(({ key }) => key === color) ?? {};
    if (lastError === undefined) return { waitingFor: nobody };
    return waitsAfterFailure(whose, lastError);
  }

  #isOverdue(color: Color): boolean {
    const since = this.#discards.get(color) ?? performance.now();
    this.#discards.set(color, since);
    return performance.now() - since >= DISCARD_AFTER_MS;
  }
}
