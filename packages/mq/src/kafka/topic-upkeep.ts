import { type Color, quote, warnOnce } from '@colorway/core';
import type { GroupAdmin } from './group-admin.js';
import { ProgressKeeper } from './progress-keeper.js';
import { reachedBy, renewHandover, sweepHandover } from './sweep-handover.js';
import type { TopicHandover } from './topic-handover.js';

/** How soon the remains of a color that has left are looked at again: the baseline may have read past them. */
const REMAINS_MS = 5_000;
/** How often a topic is looked at for having been deleted and made anew. */
const LOG_MS = 30_000;

export interface TopicUpkeepOptions {
  readonly handover: TopicHandover;
  readonly admin: GroupAdmin;
  /** Where a baseline group without a committed offset would start. */
  readonly fromBeginning: boolean;
}

/** Keeps what the directory has of a topic to what is true and needed. Anybody may do it, several at once. */
export class TopicUpkeep {
  readonly #options: TopicUpkeepOptions;
  /** At first at once: somebody may have stopped in the middle, and the topic may be another one. */
  #dueAt = 0;
  readonly #progress: ProgressKeeper;

  constructor(options: TopicUpkeepOptions) {
    this.#options = options;
    this.#progress = new ProgressKeeper(options.handover, options.admin);
  }

  /** Until it has something to do. */
  get dueInMs(): number {
    return Math.max(0, this.#dueAt - performance.now());
  }

  /** Does what is due, if anything is. */
  async work(): Promise<void> {
    if (this.dueInMs > 0) return;
    const { handover, admin } = this.#options;
    const { group, topic } = handover;
    for (const color of await renewHandover(handover, () => admin.ends(topic))) {
      warnOnce(
        'COLORWAY_TOPIC_MADE_ANEW',
        `Topic ${quote(topic)} is not the one that it was: a boundary of color ${color} in group ${quote(group)} lies behind the end of its log. The color begins anew in it, where the baseline stands.`,
        `${group} ${topic} ${color}`,
      );
    }
    this.#dueAt = performance.now() + ((await this.#sweep()) ? REMAINS_MS : LOG_MS);
    await this.#progress.work();
  }

  /** A color has just left. */
  async left(color: Color): Promise<void> {
    if (await this.#sweep(color)) this.#dueAt = Math.min(this.#dueAt, performance.now() + REMAINS_MS);
  }

  #sweep(color?: Color): Promise<boolean> {
    const { handover, admin, fromBeginning } = this.#options;
    return sweepHandover(handover, {
      ...(color !== undefined && { color }),
      reached: () => reachedBy(admin, handover.group, handover.topic, fromBeginning),
    });
  }
}
