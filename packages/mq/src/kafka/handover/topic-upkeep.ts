import { type Color, quote, warnOnce } from '@colorway/core';
import type { GroupAdmin } from '../group-admin.js';
import { ProgressKeeper } from './progress-keeper.js';
import { SharedReads } from './shared-reads.js';
import { knownLogs, type LogId, reachedBy, renewHandover, sweepHandover } from './sweep-handover.js';
import type { TopicHandover } from './topic-handover.js';

/** How soon the remains of a color that has left are looked at again: the baseline may have read past them. */
const REMAINS_MS = 5_000;
/** How often a topic is looked at for having been deleted and made anew. */
const LOG_MS = 30_000;
/** So seldom the whole topic is read though the watch is well: one that tells nothing of its failure, or leaves something out. */
const WHOLE_MS = 300_000;

export interface TopicUpkeepOptions {
  readonly handover: TopicHandover;
  readonly admin: GroupAdmin;
  /** Where a baseline group without a committed offset would start. */
  readonly fromBeginning: boolean;
  /** The id of the topic as it is now, where that can be known. */
  readonly logId?: LogId;
}

/** Keeps what the directory has of a topic to what is true and needed. Anybody may do it, several at once. */
export class TopicUpkeep {
  readonly #options: TopicUpkeepOptions;
  /** At first at once: somebody may have stopped in the middle, and the topic may be another one. */
  #dueAt = 0;
  readonly #progress: ProgressKeeper;
  /** By color; `undefined` for all of them. */
  readonly #looks = new SharedReads<Color | undefined, string | undefined>();

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
    // The rest works from what is known. A watch that has yet to answer, or fails, does not tell it.
    await this.#options.handover.readWithin(this.#options.handover.isBlind ? 0 : WHOLE_MS);
    await this.checkLog();
    this.#dueAt = performance.now() + ((await this.#sweep()) ? REMAINS_MS : LOG_MS);
    await this.#progress.work();
  }

  /**
   * Sees to it that what is known is of the topic as it is now: to be done before anything is taken from a partition that
   * was just assigned, or whose log begins before the place where it was read. Those who ask at once share one look; who asks
   * while one is under way has the next: that one began with what was known, and with the topic as it was, before.
   *
   * @param color for whom nothing else matters: another one, whose keys the directory does not answer for, is not waited
   *   for. Default: all.
   * @returns the id of the topic, where it is known.
   */
  checkLog(color?: Color): Promise<string | undefined> {
    return this.#looks.ask(color, async (beginning) => {
      // All partitions that were assigned ask in one turn.
      await Promise.resolve();
      beginning();
      return this.#checkLog(color);
    });
  }

  async #checkLog(only: Color | undefined): Promise<string | undefined> {
    const { handover, admin, logId = async () => undefined } = this.#options;
    let asked: Promise<string | undefined> | undefined;
    const ask: LogId = (known) => {
      asked = logId(known);
      return asked;
    };
    const { group, topic } = handover;
    for (const color of await renewHandover(handover, () => admin.ends(topic), ask, only)) {
      warnOnce(
        'COLORWAY_TOPIC_MADE_ANEW',
        `Topic ${quote(topic)} was deleted and made again: color ${color} in group ${quote(group)} begins again in it, where the baseline stands.`,
        `${group} ${topic} ${color}`,
      );
      // What the color's group had committed is an offset of the topic that is gone.
      await admin.beginAgain(handover.coloredGroup(color), topic);
    }
    return asked ?? ask(knownLogs(handover));
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
