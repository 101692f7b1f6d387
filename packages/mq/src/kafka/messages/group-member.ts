import type { Color, Coloring } from '@colorway/core';
import type { Owner } from '../../ownership/owner.js';
import type { ConsumerClient, EachBatchPayloadLike, RunConfig } from '../client-types.js';
import { type ApplicationCommits, commitsOf } from '../commits/application-commits.js';
import { commitPassed, commitStart } from '../commits/batch-commits.js';
import { MemberCommits } from '../commits/member-commits.js';
import type { GroupSession } from '../consumer/group-session.js';
import type { TopicHandover } from '../handover/topic-handover.js';
import type { KafkaPolicy } from '../options.js';
import { Advances } from '../partitions/advances.js';
import type { Discarding, HeldPartition } from '../partitions/held-partition.js';
import type { PartitionSteps } from '../partitions/partition-steps.js';
import { type CheckLog, logOfBatch } from './another-log.js';
import { countBatch } from './count-batch.js';
import { DecisionReasons } from './decision-reasons.js';
import type { Discarded } from './discarded.js';
import { eachBatch } from './each-batch.js';
import { eachMessage } from './each-message.js';
import type { EndedBatch, GroupJoin } from './event-payloads.js';
import type { GroupMemberOptions } from './group-member-options.js';
import { HeldPartitions } from './held-partitions.js';
import { Pauses } from './pauses.js';
import { Tally } from './tally.js';
import { Turns } from './turns.js';

const SETTLE_MS = 250;

/** A member of a consumer group, of the baseline's or of a color's: what it holds, and what it does with a batch. */
export class GroupMember {
  readonly coloring: Coloring;
  readonly consumer: ConsumerClient;
  readonly session: GroupSession;
  readonly pauses: Pauses;
  readonly run: RunConfig;
  readonly drains: boolean;
  readonly turns: Turns;
  readonly policy: KafkaPolicy | undefined;
  /** An assignment stands. */
  joined = false;
  /** Grows with each seek. */
  seeks = 0;
  readonly tally: Tally;
  /** What a handler threw last, and where: `topic/partition@offset`. */
  thrown: { readonly error: unknown; readonly place: string } | undefined;
  readonly reasons = new DecisionReasons();
  readonly commits: ApplicationCommits;
  /** Told when a partition came to its end. */
  onFinished: () => void = () => {};
  readonly #topics: ReadonlyMap<string, TopicHandover>;
  readonly #onDiscard: (discarded: Discarded) => Promise<void>;
  readonly #checkLog: CheckLog;
  readonly #held = new HeldPartitions();
  readonly #stops: (() => void)[] = [];
  readonly #advances: Advances;
  readonly #own: MemberCommits;
  #steps!: PartitionSteps;

  constructor(options: GroupMemberOptions) {
    const { coloring, consumer, session, topics, run, drains = false, onDiscard, checkLog } = options;
    this.coloring = coloring;
    this.consumer = consumer;
    this.session = session;
    this.pauses = new Pauses(consumer);
    this.tally = new Tally(session.groupId);
    this.run = run;
    this.drains = drains;
    this.policy = options.policy;
    this.turns = options.turns ?? new Turns(run.partitionsConsumedConcurrently);
    this.#topics = topics;
    this.#onDiscard = onDiscard ?? (() => Promise.resolve());
    this.#checkLog = checkLog ?? (() => Promise.resolve(undefined));
    this.commits = commitsOf(coloring);
    const [first] = topics.values();
    this.#own = new MemberCommits({
      ...{ consumer, drains, baselineGroup: first?.group },
      held: (topic, partition) => this.held(topic, partition),
      hurry: (held) => this.#advances.kick(held, true),
    });
    this.#advances = new Advances({
      reporter: coloring.reporter,
      group: session.groupId,
      colors: (held) => this.#steps.colors(held),
      advance: (held, color) => this.#steps.advance(held, color),
      settled: (held) => this.#settled(held),
    });
  }

  get steps(): PartitionSteps {
    return this.#steps;
  }

  /** To be called before the consumer runs. */
  start(steps: PartitionSteps): void {
    this.#steps = steps;
    const { GROUP_JOIN, CRASH, STOP, END_BATCH_PROCESS } = this.consumer.events;
    const on = (event: string | undefined, listener: (payload: never) => void): void => {
      this.#stops.push(this.consumer.on(event as never, ({ payload }) => listener(payload as never)));
    };
    on(GROUP_JOIN, ({ memberId, memberAssignment }: GroupJoin) => this.#assigned(memberId, memberAssignment));
    for (const over of [CRASH, STOP]) on(over, () => this.#lose());
    on(END_BATCH_PROCESS, (batch: EndedBatch) => this.#passedEmpty(batch));
    this.#stops.push(...this.#own.listen(), this.commits.add(this.session.groupId, this.#own));
    this.session.onGeneration = () => this.#kickAll(true);
    for (const handover of this.#topics.values()) {
      this.#stops.push(handover.onChange(() => this.#kickTopic(handover.topic)));
    }
  }

  /** The consumer has ended, and nothing is to be told any more. */
  end(): void {
    this.#lose();
    this.#advances.end();
    for (const stop of this.#stops.splice(0)) stop();
  }

  held(topic: string, partition: number): HeldPartition | undefined {
    return this.#held.get(topic, partition);
  }

  all(): Iterable<HeldPartition> {
    return this.#held;
  }

  /** What `eachBatch` of the client is. */
  readonly onBatch = async (payload: EachBatchPayloadLike): Promise<void> => {
    const { batch } = payload;
    const held = this.held(batch.topic, batch.partition);
    if (held === undefined) return;
    await held.enter();
    try {
      if (!held.open && !held.paused) await held.settled(SETTLE_MS);
      // Fetched before it was closed, in an assignment that is over, or from elsewhere: it will be fetched again.
      if (!held.open || !held.current || payload.isStale()) return;
      const first = batch.firstOffset();
      if (first !== null) {
        const { color } = this.#steps;
        const log = await logOfBatch(held, payload, BigInt(first), this.#checkLog, color);
        if (log === 'unknown') return this.#startAgain(held, 'topic-id');
        // A color starts at its boundary in the topic as it is now, and not where the client begins.
        if (log === 'another' && color !== undefined) return this.#startAgain(held, 'assignment');
        if (!held.open || !held.current || payload.isStale()) return;
        held.beginsAt(BigInt(first));
      }
      if (held.start !== undefined && (await this.#steps.begins?.(held, batch)) === false) return;
      if (held.start !== undefined && !(await commitStart(this, held, payload))) return;
      held.end = batch.highWatermark;
      if (held.discarding !== undefined) await countBatch(this, held, payload, held.discarding);
      else if (this.run.eachMessage) await eachMessage(this, held, payload, this.run.eachMessage);
      else if (this.run.eachBatch) await eachBatch(this, held, payload, this.run.eachBatch);
      if (this.run.autoCommit === false) await commitPassed(this, held, payload);
    } finally {
      await held.exit(payload);
      if (held.until !== undefined) this.kick(held);
    }
  };

  #startAgain(held: HeldPartition, why: string): void {
    this.close(held, why);
    this.kick(held);
  }

  /** A handler has thrown this. */
  threw({ topic, partition, position }: HeldPartition, error: unknown): void {
    this.thrown = { error, place: `${topic}/${partition}@${position ?? '?'}` };
  }

  /** Nothing is taken from the partition until it is opened. Heartbeats and other partitions go on. */
  close(held: HeldPartition, why: string): void {
    held.wait(why);
    held.open = false;
    if (held.paused || !held.current) return;
    held.paused = true;
    this.pauses.hold(held.topic, held.partition);
    held.settle();
  }

  /**
   * Nothing is taken until the first steps are done. The client may fetch meanwhile: with all its partitions
   * paused it would sleep, and begin `maxWaitTimeInMs` later than it can.
   */
  closeAtFirst(held: HeldPartition): void {
    held.wait('assignment');
    held.open = false;
  }

  open(held: HeldPartition): void {
    if (!held.current || this.#stillUndecided(held)) return;
    held.goOn();
    if (held.open) return;
    held.open = true;
    if (held.paused) this.pauses.release(held.topic, held.partition);
    held.paused = false;
    held.settle();
  }

  /** A message came whose owner is not settled. */
  undecided(held: HeldPartition, color: Color, offset: string): void {
    held.undecided = { color, offset: BigInt(offset) };
    this.close(held, this.reasons.get(color) ?? 'undecided');
    this.kick(held);
  }

  async discarding(
    { topic, partition }: HeldPartition,
    { from, messages }: Discarding,
    more: number,
  ): Promise<void> {
    await this.#onDiscard({ topic, partition, part: `${partition}@${from}`, messages, more });
  }

  seek(topic: string, partition: number, offset: string): void {
    this.consumer.seek({ topic, partition, offset });
    this.seeks++;
    this.held(topic, partition)?.sought(offset);
  }

  decided(color: Color, { reason }: Owner): void {
    this.reasons.set(color, reason);
  }

  kick(held: HeldPartition): void {
    this.#advances.kick(held);
  }

  /** Its steps are looked at again after so many milliseconds. */
  later(held: HeldPartition, ms: number): void {
    this.#advances.later(held, ms);
  }

  #settled(held: HeldPartition): void {
    if (this.#steps.color === undefined && !held.open) this.open(held);
    if (held.finished) this.onFinished();
  }

  #stillUndecided(held: HeldPartition): boolean {
    const { undecided } = held;
    if (undecided === undefined) return false;
    const { kind, reason } = this.#steps.owner(held, undecided.color, undecided.offset);
    if (kind === 'undecided') this.close(held, reason);
    return kind === 'undecided';
  }

  #assigned(memberId: string, assignment: Readonly<Record<string, readonly number[]>>): void {
    this.#forget();
    this.session.join(memberId);
    this.joined = true;
    for (const [topic, partitions] of Object.entries(assignment)) {
      const handover = this.#topics.get(topic);
      if (handover === undefined) continue;
      for (const held of this.#held.add(handover, partitions)) {
        this.pauses.release(topic, held.partition);
        this.#steps.assigned(held);
      }
    }
    this.#kickAll();
    this.onFinished();
  }

  #lose(): void {
    this.joined = false;
    this.#forget();
    this.pauses.clear();
  }

  #forget(): void {
    for (const held of this.#held.clear()) this.#advances.forget(held);
  }

  #kickAll(hurry = false): void {
    for (const held of this.#held) this.#advances.kick(held, hurry);
  }

  #kickTopic(topic: string): void {
    for (const held of this.#held.of(topic)) this.kick(held);
    this.onFinished();
  }

  /** KafkaJS does not hand over a batch of control records alone, and passes it by itself. */
  #passedEmpty({ topic, partition, batchSize, lastOffset, highWatermark }: EndedBatch): void {
    if (batchSize > 0) return;
    const held = this.held(topic, partition);
    if (held === undefined) return;
    held.end = highWatermark;
    held.readAt = performance.now();
    held.passed(lastOffset);
    if (held.until !== undefined) this.kick(held);
  }
}
