import { backoffMs, reasonOf, type Scope, sleep } from '@colorway/core/background';
import type { EachBatchPayloadLike, RunConfig } from '../client-types.js';
import type { GroupMember } from './group-member.js';

/** A handler failed on this message, and will be given it again. */
export interface HandlerFailure {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly reason: string;
  /** One after the other. */
  readonly failures: number;
}

const FIRST_MS = 500;
const MAX_MS = 30_000;

/**
 * What a drain does with a handler that throws: the partition of that message rests, for ever longer, and all others
 * go on. The client would try it a few times, rest all partitions with it, and give up for good at a `TypeError`.
 */
export class HandlerFailures {
  readonly #scope: Scope;
  readonly #failures = new Map<string, HandlerFailure>();
  readonly #thrown = new WeakMap<object, string>();

  constructor(scope: Scope) {
    this.#scope = scope;
  }

  /** The one that failed most often; `undefined` while none fails. */
  worst(): HandlerFailure | undefined {
    let worst: HandlerFailure | undefined;
    for (const one of this.#failures.values()) if (one.failures > (worst?.failures ?? 0)) worst = one;
    return worst;
  }

  /** Nothing is tried any more. */
  clear(): void {
    this.#failures.clear();
  }

  /** The same handlers; what they throw is known as theirs. */
  handlers(run: RunConfig): RunConfig {
    const { eachMessage, eachBatch } = run;
    return {
      ...run,
      ...(eachMessage && {
        eachMessage: (payload) => this.#noting(payload.message.offset, () => eachMessage(payload)),
      }),
      ...(eachBatch && {
        eachBatch: (payload) => {
          let offset = payload.batch.firstOffset() ?? '0';
          const resolveOffset = (resolved: string): void => {
            offset = (BigInt(resolved) + 1n).toString();
            payload.resolveOffset(resolved);
          };
          return this.#noting(
            () => offset,
            () => eachBatch({ ...payload, resolveOffset }),
          );
        },
      }),
    };
  }

  /** Handles a batch with a member whose handlers went through {@link handlers}. */
  async handle(member: GroupMember, payload: EachBatchPayloadLike): Promise<void> {
    const { topic, partition } = payload.batch;
    try {
      await member.onBatch(payload);
      this.#failures.delete(`${topic}/${partition}`);
    } catch (error) {
      const offset = typeof error === 'object' && error !== null ? this.#thrown.get(error) : undefined;
      // The client's own errors say that the group rebalances, or that the broker is away: those are for it.
      if (offset === undefined || isOfClient(error)) throw error;
      this.#rest(member, topic, partition, offset, reasonOf(error));
    }
  }

  async #noting(offset: string | (() => string), handle: () => Promise<void>): Promise<void> {
    try {
      await handle();
    } catch (error) {
      const thrown = typeof error === 'object' && error !== null ? error : new Error(String(error));
      this.#thrown.set(thrown, typeof offset === 'string' ? offset : offset());
      throw thrown;
    }
  }

  /** Nothing of the message is resolved, so it comes again. */
  #rest(member: GroupMember, topic: string, partition: number, offset: string, reason: string): void {
    const key = `${topic}/${partition}`;
    const before = this.#failures.get(key);
    const failures = before?.offset === offset ? before.failures + 1 : 1;
    this.#failures.set(key, { topic, partition, offset, reason, failures });
    member.pauses.pause([{ topic, partitions: [partition] }]);
    this.#scope.spawn(`rest of ${key}`, async (signal) => {
      await sleep(backoffMs(failures - 1, MAX_MS, Math.random, FIRST_MS), signal);
      // A member that has gone takes nothing more; a new assignment begins without a pause.
      if (!signal.aborted && member.joined) member.pauses.resume([{ topic, partitions: [partition] }]);
    });
  }
}

function isOfClient(error: unknown): boolean {
  const { name, type } = error as { readonly name?: unknown; readonly type?: unknown };
  return (typeof name === 'string' && name.startsWith('KafkaJS')) || type === 'REBALANCE_IN_PROGRESS';
}
