import type { Color } from '@colorway/core';
import { type BaselineStep, nextStep } from '../../ownership/baseline-step.js';
import { handoverHere } from '../../ownership/fences.js';
import { type Owner, owner } from '../../ownership/owner.js';
import { areTwoLogs, logOf, mustAskForLog } from '../../ownership/renewal.js';
import type { ApplicationCommits } from '../commits/application-commits.js';
import { offsetOfProof } from '../commits/commit-offsets.js';
import type { GroupSession } from '../consumer/group-session.js';
import type { CheckLog } from '../messages/another-log.js';
import type { Verdict } from '../messages/verdict.js';
import type { HeldPartition } from './held-partition.js';
import { NotNow, type PartitionSteps } from './partition-steps.js';
import { prove } from './prove.js';

/** So often in one go it is looked which topic it is. */
const LOOKS = 3;

export interface BaselineStepsOptions {
  readonly session: GroupSession;
  readonly commits: ApplicationCommits;
  /** Commits are the application's: `autoCommit: false`. */
  readonly byHand: boolean;
  /** What the group has committed, and where it has not, where it starts. */
  readonly startOf: (held: HeldPartition) => Promise<bigint>;
  /** The offset after the last message of the partition. */
  readonly endOf: (held: HeldPartition) => Promise<bigint | undefined>;
  /** Sees to it that what is known is of the topic as it is now. */
  readonly checkLog?: CheckLog;
  /** The colors of a partition are known now. */
  readonly refreshed: (held: HeldPartition) => void;
  /** Told of the reason for each colored message. */
  readonly decided: (color: Color, owner: Owner) => void;
}

/** The baseline's part: it fences a color that joins or leaves, and passes over what belongs to a color. */
export class BaselineSteps implements PartitionSteps {
  readonly color = undefined;
  readonly #options: BaselineStepsOptions;

  constructor(options: BaselineStepsOptions) {
    this.#options = options;
  }

  assigned(): void {}

  verdict(held: HeldPartition, color: Color | undefined, offset: string): Verdict {
    if (color === undefined) return 'own';
    const table = held.refreshed ? held.handover.table : held.handover.unrefreshed;
    const { lately } = held;
    if (lately?.color === color && lately.table === table && isAtLeast(offset, lately.from))
      return lately.verdict;
    const at = BigInt(offset);
    const found = owner(color, held.partition, at, table);
    this.#options.decided(color, found);
    const verdict = found.kind === 'baseline' ? 'own' : found.kind === 'colored' ? 'foreign' : 'undecided';
    // Behind the last fence the answer is the same from here on.
    const last = table.colors.get(color)?.partitions.get(held.partition)?.segments.at(-1);
    if (last !== undefined && at >= last.from) held.lately = { color, table, from: offset, verdict };
    return verdict;
  }

  owner({ refreshed, handover, partition }: HeldPartition, color: Color, offset: bigint): Owner {
    return owner(color, partition, offset, refreshed ? handover.table : handover.unrefreshed);
  }

  /** Nothing is known of colors before the directory was read. */
  colors({ refreshed, handover }: HeldPartition): Iterable<Color | undefined> {
    return refreshed ? handover.table.colors.keys() : [undefined];
  }

  async advance(held: HeldPartition, color: Color | undefined): Promise<void> {
    if (color !== undefined) return this.#advanceColor(held, color);
    // All colors, for it has messages of any. Then those of another log are known, too, when the log is looked at.
    await held.handover.refresh();
    held.isOf(await this.#options.checkLog?.(held.topic));
    this.#options.refreshed(held);
  }

  async #advanceColor(held: HeldPartition, color: Color): Promise<void> {
    const { handover, partition } = held;
    let refreshes = 0;
    let looks = 0;
    while (held.current) {
      const step = this.#next(held, color);
      switch (step.kind) {
        case 'none':
        case 'wait':
          return;
        case 'refresh-view':
          if (refreshes++ > 0) throw new NotNow('the directory has a later entry without the ones before');
          await handover.refresh(color);
          break;
        case 'commit-in-generation': {
          if (await this.#isOfAnotherTopic(held, color)) {
            if (++looks === LOOKS) throw new NotNow('the topic is made again and again');
            break;
          }
          if (held.position === undefined) await this.#findStart(held);
          const { session, commits, byHand, startOf } = this.#options;
          const known = await prove({
            ...{ session, commits, held, color },
            decide: () => {
              const again = this.#next(held, color);
              return again.kind === 'commit-in-generation' ? again : undefined;
            },
            offsetOf: async ({ position }) =>
              offsetOfProof(byHand, position, byHand ? await startOf(held) : undefined),
          });
          if (!known) return;
          break;
        }
        case 'create-join-fence':
          await handover.createFence(color, step.epoch, 'join', partition, step.offset);
          break;
        case 'create-leave-fence':
          await handover.createFence(color, step.epoch, 'leave', partition, step.offset);
          break;
      }
    }
  }

  #next(held: HeldPartition, color: Color): BaselineStep {
    return nextStep({
      here: handoverHere(held.handover.table, color, held.partition),
      position: held.position ?? 0n,
      handling: false,
      refreshed: held.refreshed,
      generation: this.#options.session.generation ?? -1,
      proof: held.proofs.get(color),
    });
  }

  /**
   * The topic was made again, or the color's state is older than that. A position that is known to be of the old topic is none: a
   * boundary there would be one that the log has not reached, or would leave out what is before. Of a doubtful one the end tells.
   */
  async #isOfAnotherTopic(held: HeldPartition, color: Color): Promise<boolean> {
    const log = logOf(handoverHere(held.handover.table, color, held.partition).handover);
    if (!mustAskForLog(log, held.log, held.logIsDoubtful)) return false;
    const { checkLog, endOf } = this.#options;
    const now = (await checkLog?.(held.topic, color)) ?? log;
    const end = await endOf(held);
    if (areTwoLogs(held.log, now) && !held.logIsDoubtful) held.beginsAgain(now as string);
    if (held.position !== undefined && end !== undefined && held.position > end) held.position = undefined;
    held.log = now;
    held.logIsDoubtful = false;
    return true;
  }

  /** Nothing was taken from it in this generation, so what the group had committed when it was assigned still stands. */
  async #findStart(held: HeldPartition): Promise<void> {
    const start = await this.#options.startOf(held);
    held.position ??= start;
  }
}

/** Of two offsets as text, without making numbers of them. */
function isAtLeast(offset: string, from: string): boolean {
  return offset.length === from.length ? offset >= from : offset.length > from.length;
}
