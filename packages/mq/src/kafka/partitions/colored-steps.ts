import type { Color } from '@colorway/core';
import { type ColoredStep, nextColoredStep, positionIn } from '../../ownership/colored-step.js';
import { handoverHere } from '../../ownership/fences.js';
import { highest, parseOffset } from '../../ownership/offset.js';
import { type Owner, owner } from '../../ownership/owner.js';
import { areTwoLogs, logOf } from '../../ownership/renewal.js';
import type { BatchLike } from '../client-types.js';
import type { ApplicationCommits } from '../commits/application-commits.js';
import { offsetOfProof, owesCommit } from '../commits/commit-offsets.js';
import type { GroupSession } from '../consumer/group-session.js';
import type { CheckLog } from '../messages/another-log.js';
import type { Verdict } from '../messages/verdict.js';
import type { HeldPartition } from './held-partition.js';
import { NotNow, type PartitionSteps } from './partition-steps.js';
import { prove } from './prove.js';

/** How often it is looked whether the application has committed, where nobody tells. */
const COMMIT_LOOK_MS = 1_000;
/** How often it is asked where the log begins, while messages are left to be read below the leave fence. */
const LOG_LOOK_MS = 2_000;

export interface ColoredStepsOptions {
  readonly color: Color;
  readonly session: GroupSession;
  readonly commits: ApplicationCommits;
  /** Commits are the application's: `autoCommit: false`. */
  readonly byHand: boolean;
  /** Looks at a partition again after so many milliseconds. */
  readonly later: (held: HeldPartition, ms: number) => void;
  /** Sees to it that what is known is of the topic as it is now. */
  readonly checkLog?: CheckLog;
  /** What the group has committed. */
  readonly committedOf: (held: HeldPartition) => Promise<bigint | undefined>;
  /** Where the log begins. */
  readonly logStartOf: (held: HeldPartition) => Promise<bigint | undefined>;
  /** Closes a partition, and opens it. */
  readonly close: (held: HeldPartition, why: string) => void;
  readonly open: (held: HeldPartition) => void;
  /** Closes it for the moment that its first steps take. */
  readonly closeAtFirst: (held: HeldPartition) => void;
  readonly seek: (held: HeldPartition, offset: bigint) => void;
  readonly decided: (color: Color, owner: Owner) => void;
  /** A member that drains: what still belongs to the color in other topics is not its to take. */
  readonly drains?: boolean;
}

/** The part of a member of a colored group: a colored consumer, or a baseline instance that drains its messages. */
export class ColoredSteps implements PartitionSteps {
  readonly color: Color;
  readonly #options: ColoredStepsOptions;
  readonly #asked = new WeakSet<HeldPartition>();

  constructor(options: ColoredStepsOptions) {
    this.color = options.color;
    this.#options = options;
  }

  /** Nothing is taken before its start is known. */
  assigned(held: HeldPartition): void {
    this.#options.closeAtFirst(held);
  }

  verdict(held: HeldPartition, color: Color | undefined, offset: string): Verdict {
    const { until } = held;
    if (color !== this.color) return until !== undefined && BigInt(offset) >= until ? 'stop' : 'foreign';
    const at = BigInt(offset);
    if (until !== undefined && at >= until) return 'stop';
    const found = this.owner(held, color, at);
    this.#options.decided(color, found);
    return found.kind === 'colored' ? 'own' : found.kind === 'baseline' ? 'foreign' : 'undecided';
  }

  owner({ refreshed, handover, partition }: HeldPartition, color: Color, offset: bigint): Owner {
    return owner(color, partition, offset, refreshed ? handover.table : handover.unrefreshed);
  }

  /**
   * A seek may be lost: KafkaJS (2.2.4) takes it off its list, and forgets it when the connection closes before it is
   * carried out. Then it reads from where a group without offsets starts. To begin there would be to commit past
   * messages that nobody has handled.
   */
  async begins(held: HeldPartition, batch: BatchLike): Promise<boolean> {
    const from = parseOffset(batch.fetchedOffset ?? batch.firstOffset() ?? undefined);
    if (held.start === undefined || from === undefined || from <= held.start) return true;
    // It may be behind the start for another reason: what lay before it was deleted.
    const start = highest(held.start, await this.#options.logStartOf(held));
    if (!held.current || held.start === undefined) return false;
    held.start = start;
    held.position = start;
    // A client that does not say from where it fetched, and twice begins here: there is nothing in between.
    const isGap = batch.fetchedOffset === undefined && held.refusedFrom === from;
    if (from <= start || isGap) return true;
    held.refusedFrom = from;
    this.#options.seek(held, start);
    return false;
  }

  colors(): readonly Color[] {
    return [this.color];
  }

  async advance(held: HeldPartition): Promise<void> {
    if (!held.refreshed) {
      // Of its own color alone: its steps, and whose a message is, follow from that.
      await held.handover.refresh(this.color);
      held.isOf(await this.#options.checkLog?.(held.topic, this.color));
    }
    await this.#followLog(held);
    await this.#findCommitted(held);
    await this.#findLogStart(held);
    held.finished = false;
    let refreshes = 0;
    while (held.current) {
      const step = this.#next(held);
      if (step.kind === 'refresh-view' && refreshes++ > 0) {
        throw new NotNow('the directory has a later entry without the ones before');
      }
      if (await this.#take(held, step)) return;
    }
  }

  /** Whether there is nothing more to do now. */
  async #take(held: HeldPartition, step: ColoredStep): Promise<boolean> {
    const { session, open, close, seek, later } = this.#options;
    switch (step.kind) {
      case 'refresh-view':
        await held.handover.refresh(this.color);
        return false;
      case 'wait':
        close(held, step.for);
        return true;
      case 'commit-start':
        // Committed with the first batch, before its first message: a crash before that starts here again.
        held.start = step.position;
        held.position = step.position;
        seek(held, step.position);
        return false;
      case 'consume':
        if (step.until === undefined && this.#options.drains) {
          this.#finish(held);
          return true;
        }
        held.until = step.until;
        held.discarding = undefined;
        open(held);
        if (step.until !== undefined) later(held, LOG_LOOK_MS);
        return true;
      case 'commit-in-generation': {
        const ends = this.#ends(held);
        if (ends && (await this.#awaitsCommit(held))) return true;
        // Nothing is taken any more, not even passed over: the stop must not be behind the position.
        close(held, 'leave-fence');
        const { commits, byHand, committedOf } = this.#options;
        const known = await prove({
          ...{ session, commits, held, color: this.color },
          decide: () => {
            const again = this.#next(held);
            return again.kind === 'commit-in-generation' ? again : undefined;
          },
          offsetOf: async ({ position }) => {
            // At the end nothing of the application's is open: what it never saw is committed for it.
            const repeats = byHand && !ends;
            return offsetOfProof(repeats, position, repeats ? await committedOf(held) : undefined);
          },
        });
        return !known;
      }
      case 'create-stop-fence':
        await held.handover.createFence(this.color, step.epoch, 'stop', held.partition, step.offset);
        return false;
      case 'discard':
        held.discarding ??= { from: step.from, messages: 0 };
        held.until = step.to;
        open(held);
        later(held, LOG_LOOK_MS);
        return true;
      case 'done':
        this.#finish(held);
        return true;
    }
  }

  /** Everything below the leave fence was handled, or given up; the group's commit is what is left to do. */
  #ends(held: HeldPartition): boolean {
    const { leave } = handoverHere(held.handover.table, this.color, held.partition).current;
    const position = positionIn(held);
    return leave !== undefined && position !== undefined && position >= leave;
  }

  /** The color's last messages are the application's to commit: until then they may have to be handled again. */
  async #awaitsCommit(held: HeldPartition): Promise<boolean> {
    const { byHand, committedOf, close, later } = this.#options;
    if (!byHand || this.#discards(held) || !this.#owesCommit(held)) return false;
    // It may have committed with a client that is not wrapped.
    held.committed = await committedOf(held);
    if (!held.current || !this.#owesCommit(held)) return false;
    close(held, 'application-commit');
    later(held, COMMIT_LOOK_MS);
    return true;
  }

  /** A message that failed in a handler, and from which on the baseline takes back, is not the application's to commit. */
  #owesCommit(held: HeldPartition): boolean {
    const { leave } = handoverHere(held.handover.table, this.color, held.partition).current;
    return owesCommit({
      position: held.position,
      committed: held.committed,
      lastOwn: held.lastOwnBelow(leave),
    });
  }

  #discards(held: HeldPartition): boolean {
    const { handover } = handoverHere(held.handover.table, this.color, held.partition);
    return 'onLeave' in handover && handover.onLeave === 'discard';
  }

  #finish(held: HeldPartition): void {
    held.finished = true;
    this.#options.close(held, 'done');
  }

  #next(held: HeldPartition): ColoredStep {
    return nextColoredStep({
      here: handoverHere(held.handover.table, this.color, held.partition),
      position: held.position,
      committed: held.committed,
      logStart: held.logStart,
      handling: false,
      refreshed: held.refreshed,
      generation: this.#options.session.generation ?? -1,
      proof: held.proofs.get(this.color),
    });
  }

  /**
   * Below the leave fence retention may have deleted what is left, and no message would ever tell. What was fetched
   * before is handled still.
   */
  async #findLogStart(held: HeldPartition): Promise<void> {
    const { leave } = handoverHere(held.handover.table, this.color, held.partition).current;
    if (leave === undefined || (held.position ?? -1n) >= leave || held.isInHand) return;
    const now = performance.now();
    if (held.logAskedAt !== undefined && now - held.logAskedAt < LOG_LOOK_MS) return;
    held.logAskedAt = now;
    const start = await this.#options.logStartOf(held);
    if (!held.isInHand) held.logStart = start;
  }

  /** Another member found out that the topic was made again, and this one may have had nothing of the new one yet. */
  async #followLog(held: HeldPartition): Promise<void> {
    const { handover } = handoverHere(held.handover.table, this.color, held.partition);
    if (!areTwoLogs(logOf(handover), held.log)) return;
    const now = await this.#options.checkLog?.(held.topic, this.color);
    if (now !== undefined && now !== held.log) await held.between(async () => held.beginsAgain(now));
  }

  async #findCommitted(held: HeldPartition): Promise<void> {
    if (this.#asked.has(held)) return;
    const committed = await this.#options.committedOf(held);
    if (!held.current) throw new NotNow('the assignment is over');
    this.#asked.add(held);
    held.committed = committed;
    held.position = committed;
  }
}
