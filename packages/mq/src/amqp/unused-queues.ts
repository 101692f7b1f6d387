import { type Coloring, environmentKey, type StateStore } from '@colorway/core';
import { type StepOutcome, withTimeLimit } from '@colorway/core/background';
import { replyCode } from './amqp-channel.js';
import type { SideChannel } from './side-channel.js';
import type { TopologyUpkeep } from './topology-upkeep.js';

const STATE_MS = 10_000;

/**
 * Queues that colored instances declare and do not consume: a sender declares what it sends to. Where the environment ends, the
 * consumers of a queue bring it to its end; one without any would stay for ever.
 */
export class UnusedQueues {
  readonly #coloring: Coloring;
  readonly #store: StateStore | undefined;
  readonly #side: SideChannel;
  readonly #upkeep: TopologyUpkeep;
  readonly #watched = new Map<string, () => void>();

  constructor(coloring: Coloring, side: SideChannel, upkeep: TopologyUpkeep) {
    this.#coloring = coloring;
    this.#side = side;
    this.#upkeep = upkeep;
    const { state } = coloring.directory;
    this.#store = state && withTimeLimit(state, STATE_MS);
  }

  /** Whether the color's environment is known not to exist. With the directory away it is not known. */
  async isColorGone(): Promise<boolean> {
    const { color } = this.#coloring;
    if (color === undefined || this.#store === undefined) return false;
    try {
      return (await this.#store.get(environmentKey(color))) === undefined;
    } catch {
      return false; // it may exist, so the queue is declared: whoever consumes is told of the directory
    }
  }

  /**
   * Deletes the color's queue when its environment has ended, and nothing is in it and nobody reads it.
   *
   * @param isJoined whether this process consumes it, so that it is not unused.
   */
  watch(queue: string, name: string, isJoined: () => boolean): void {
    if (this.#watched.has(queue) || this.#store === undefined || this.#coloring.scope.isDisposed) return;
    this.#watched.set(
      queue,
      this.#upkeep.keep({ queue: name, restore: () => this.#sweep(queue, name, isJoined) }),
    );
  }

  async #sweep(queue: string, name: string, isJoined: () => boolean): Promise<StepOutcome> {
    if (isJoined() || !(await this.isColorGone()) || !(await this.#deleted(name))) return { kind: 'settled' };
    this.#watched.get(queue)?.();
    this.#watched.delete(queue);
    return { kind: 'settled' };
  }

  async #deleted(name: string): Promise<boolean> {
    try {
      return await this.#side.run(async (channel) => {
        const { messageCount, consumerCount } = await channel.checkQueue(name);
        if (messageCount > 0 || consumerCount > 0) return false;
        await channel.deleteQueue(name);
        return true;
      });
    } catch (error) {
      if (replyCode(error) === 404) return true;
      throw error;
    }
  }
}
