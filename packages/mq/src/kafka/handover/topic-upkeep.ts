import { type Color, quote, warnOnce } from '@colorway/core';
import type { GroupAdmin } from '../group-admin.js';
import { eachByItself } from './each-by-itself.js';
import { ProgressKeeper } from './progress-keeper.js';
import { type LogId, renewHandover } from './renew-handover.js';
import { SharedReads } from './shared-reads.js';
import { reachedBy, sweepHandover } from './sweep-handover.js';
import type { TopicHandover } from './topic-handover.js';

/** How soon the remains of a color that has left are looked at again: the baseline may have read past them. */
const REMAINS_MS = 5_000;
/** How often a topic is looked at for having been deleted and made anew. */
const LOG_MS = 30_000;
/** The whole topic is read this seldom even while the watch works: it may fail silently, or leave something out. */
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
    let isLeft = false;
    const steps = [
      () => this.checkLog(),
      async () => {
        isLeft = await this.#sweep();
      },
      () => this.#progress.work(),
    ];
    const failures: unknown[] = [];
    // One after the other; what fails for one color keeps nothing else from being done.
    for (const step of steps) failures.push(...(await eachByItself([step], (take) => take())));
    if (failures.length > 0) throw failures[0];
    this.#dueAt = performance.now() + (isLeft ? REMAINS_MS : LOG_MS);
  }

  /**
   * Sees to it that what is known is of the topic as it is now: to be done before anything is taken from a partition that
   * was just assigned, or whose log begins before the place where it was read. Those who ask at once share one look; who asks
   * while one is under way has the next: that one began with what was known, and with the topic as it was, before.
   *
   * @param color the only color that matters to the caller; a directory that does not answer for another holds nothing up.
   *   Default: all.
   * @returns the id of the topic, where it is known.
   * @throws what kept a color from beginning anew, when all others have had their turn.
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
    const { group, topic } = handover;
    const { renewed, log, failures } = await renewHandover(handover, {
      ...{ logId, only },
      ends: () => admin.ends(topic),
      beginAgain: (color) => admin.beginAgain(handover.coloredGroup(color), topic),
    });
    for (const color of renewed) {
      warnOnce(
        'COLORWAY_TOPIC_MADE_ANEW',
        `Topic ${quote(topic)} was deleted and made again: color ${color} in group ${quote(group)} begins again in it, where the baseline stands.`,
        `${group} ${topic} ${color}`,
      );
    }
    if (failures.length > 0) throw failures[0];
    return log;
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
