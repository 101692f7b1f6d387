import { parseOffset } from '../../ownership/offset.js';
import type { ConsumerClient, OffsetsLike, TopicPartitionOffset } from '../client-types.js';
import type { HeldPartition } from '../partitions/held-partition.js';
import type { CommittingMember } from './application-commits.js';
import type { CommittingConsumer } from './commit-by-hand.js';

type Topics = OffsetsLike['topics'];

export interface MemberCommitsOptions {
  readonly consumer: ConsumerClient;
  readonly baselineGroup: string | undefined;
  readonly drains: boolean;
  readonly held: (topic: string, partition: number) => HeldPartition | undefined;
  /** Steps that waited for a commit of the application may be taken now. */
  readonly hurry: (held: HeldPartition) => void;
}

/** What a member of a group learns of the commits that the application makes, and does for them. */
export class MemberCommits implements CommittingMember {
  readonly baselineGroup: string | undefined;
  readonly drains: boolean;
  readonly #options: MemberCommitsOptions;
  #isOver = false;

  constructor(options: MemberCommitsOptions) {
    this.#options = options;
    this.baselineGroup = options.baselineGroup;
    this.drains = options.drains;
  }

  /** To what the client tells. Returns how to stop that. */
  listen(): (() => void)[] {
    const { consumer, drains } = this.#options;
    const { COMMIT_OFFSETS, STOP } = consumer.events;
    return [
      consumer.on(COMMIT_OFFSETS as never, ({ payload }) =>
        this.committed((payload as { topics: Topics }).topics),
      ),
      // The consumer of a drain runs once; an application's may run again.
      consumer.on(STOP as never, () => {
        this.#isOver = drains;
      }),
    ];
  }

  async quiet(topics: Topics): Promise<void> {
    for (const [held] of this.#of(topics)) await held.quiet();
  }

  committed(topics: Topics): void {
    for (const [held, offset] of this.#of(topics)) {
      held.committed = offset;
      if (held.waiting === 'application-commit') this.#options.hurry(held);
    }
  }

  goOn(topics: Topics): void {
    for (const [held] of this.#of(topics)) if (held.failures > 0) this.#options.hurry(held);
  }

  /** What a drain that is over has handed out is committed, or is handed out again by the next one. */
  async commit(offsets: TopicPartitionOffset[]): Promise<void> {
    if (this.#isOver) return;
    await (this.#options.consumer as ConsumerClient & CommittingConsumer).commitOffsets(offsets);
  }

  *#of(topics: Topics): Iterable<readonly [HeldPartition, bigint | undefined]> {
    for (const { topic, partitions } of topics) {
      for (const { partition, offset } of partitions) {
        const held = this.#options.held(topic, partition);
        // A `Long` where the user commits by hand.
        if (held !== undefined) yield [held, parseOffset(String(offset))];
      }
    }
  }
}
