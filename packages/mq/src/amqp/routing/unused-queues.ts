import { type Color, type Coloring, environmentKey, isColor, type StateStore } from '@colorway/core';
import { type StepOutcome, withTimeLimit } from '@colorway/core/background';
import { replyCode } from '../amqp-channel.js';
import type { SideChannel } from '../connection/side-channel.js';
import { keyPart } from '../key-part.js';
import type { TopologyUpkeep } from './topology-upkeep.js';

/** What dead processes left behind is looked for so many times as seldom as what is missing. */
const SELDOM = 20;

/**
 * Queues that colored instances declare and do not consume: a sender declares what it sends to. Where the environment ends, the
 * consumers of a queue bring it to its end; one without any would stay for ever. The process that has declared it takes it away;
 * should that one be killed before, whoever consumes the baseline's or another color's queue of that name does.
 */
export class UnusedQueues {
  readonly #coloring: Coloring;
  readonly #store: StateStore | undefined;
  readonly #side: SideChannel;
  readonly #upkeep: TopologyUpkeep;
  readonly #watched = new Map<string, () => void>();
  readonly #sweepEveryMs: number;
  /** When what others declared of a queue was looked through last. */
  readonly #sweptAt = new Map<string, number>();

  constructor(coloring: Coloring, side: SideChannel, upkeep: TopologyUpkeep, checkMs: number) {
    this.#sweepEveryMs = SELDOM * checkMs;
    this.#coloring = coloring;
    this.#side = side;
    this.#upkeep = upkeep;
    const { state } = coloring.directory;
    this.#store = state && withTimeLimit(state, coloring.directoryTimeoutMs);
  }

  /** Whether the color's environment is known not to exist. With the directory away it is not known. */
  async isColorGone(color: Color | undefined = this.#coloring.color): Promise<boolean> {
    if (color === undefined || this.#store === undefined) return false;
    try {
      return (await this.#store.get(environmentKey(color))) === undefined;
    } catch {
      return false; // it may exist, so the queue is declared: whoever consumes is told of the directory
    }
  }

  /** To be called before the color's queue is declared: who declares it may be killed, and others have to find it. */
  async note(queue: string): Promise<void> {
    const { color } = this.#coloring;
    if (color === undefined || this.#store === undefined) return;
    // With the directory away it is declared all the same; then nobody but this process takes it away.
    await this.#store.create(this.#prefix(queue) + color, String(Date.now())).catch(nothing);
  }

  /**
   * Takes away what colors whose environments have ended declared, and nobody reads or has sent to. Seldom: one list of the
   * directory.
   */
  async sweepOthers(queue: string, nameOf: (color: Color) => string): Promise<void> {
    const now = performance.now();
    if (this.#store === undefined || now - (this.#sweptAt.get(queue) ?? -Infinity) < this.#sweepEveryMs)
      return;
    this.#sweptAt.set(queue, now);
    const prefix = this.#prefix(queue);
    const noted = (await this.#store.list(prefix).catch(nothing)) ?? [];
    for (const { key, version } of noted) {
      const color = key.slice(prefix.length);
      if (!isColor(color) || !(await this.isColorGone(color)) || !(await this.#deleted(nameOf(color))))
        continue;
      await this.#store.compareAndDelete(key, version).catch(nothing);
    }
  }

  #prefix(queue: string): string {
    return `mq-declared/${keyPart(queue)}/`;
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
    this.#sweptAt.delete(queue);
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

/** The directory is away, which others report: what is only for tidiness is done another time. */
function nothing(): undefined {
  return undefined;
}
