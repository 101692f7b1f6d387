import { type Coloring, isColorwayError, type MqPhase, quote, warnOnce } from '@colorway/core';
import { leavingOf } from '../leaving/index.js';
import { commitsOf } from './application-commits.js';
import { BaselineRun } from './baseline-run.js';
import { environmentExists } from './check-environment.js';
import type {
  ConsumerClient,
  ConsumerConfigLike,
  KafkaClient,
  RunConfig,
  Subscription,
  TopicPartitionOffset,
} from './client-types.js';
import { coloredGroup } from './colored-group.js';
import { innerRun, makeConsumer } from './colored-member.js';
import { ColoredRun } from './colored-run.js';
import { type CommittingConsumer, commitByHand } from './commit-by-hand.js';
import type { ConsumerRun } from './consumer-setting.js';
import { consumerStatus } from './consumer-status.js';
import type { GroupAdmin } from './group-admin.js';
import type { GroupMember } from './group-member.js';
import type { GroupSession } from './group-session.js';
import { matchingTopics } from './matching-topics.js';
import { type MqRuntime, runtimeOf } from './mq-runtime.js';
import type { TopicHandover } from './topic-handover.js';

/** What a wrapped consumer does where it differs from the client's. */
export class WrappedConsumer {
  readonly consumer: ConsumerClient;
  readonly #coloring: Coloring;
  readonly #kafka: KafkaClient;
  readonly #admin: GroupAdmin;
  readonly #config: ConsumerConfigLike;
  readonly #runtime: MqRuntime;
  readonly #group: string;
  readonly #brokerGroup: string;
  readonly #session: GroupSession;
  readonly #subscribed = new Map<string, { readonly fromBeginning: boolean }>();
  #run: ConsumerRun | undefined;
  #opening = false;
  #releases: (() => unknown)[] = [];

  constructor(coloring: Coloring, kafka: KafkaClient, admin: GroupAdmin, config: ConsumerConfigLike) {
    this.#coloring = coloring;
    this.#kafka = kafka;
    this.#admin = admin;
    this.#config = config;
    this.#runtime = runtimeOf(coloring);
    this.#group = config.groupId;
    const { color } = coloring;
    this.#brokerGroup = color === undefined ? this.#group : coloredGroup(this.#group, color);
    const { consumer, session } = makeConsumer(kafka, this.#brokerGroup, config);
    this.consumer = consumer;
    this.#session = session;
    consumer.on(consumer.events.CRASH as never, ({ payload }) => {
      // With `restart` the client comes back by itself.
      return (payload as { readonly restart: boolean }).restart ? undefined : this.#close();
    });
  }

  get member(): GroupMember | undefined {
    return this.#run?.member;
  }

  /** As the client's. Patterns are matched here, against the topics of now as the client does, for the names matter. */
  async subscribe({ topic, topics, fromBeginning = false }: Subscription): Promise<void> {
    const wanted = topics ?? (topic === undefined ? [] : [topic]);
    const names = await matchingTopics(this.#admin, wanted);
    // The client says what is wrong with an empty subscription, and that it runs already.
    await this.consumer.subscribe({ ...(wanted.length > 0 && { topics: names }), fromBeginning } as {
      topics: string[];
    });
    for (const name of names) this.#subscribed.set(name, { fromBeginning });
  }

  async run(run: RunConfig = {}): Promise<void> {
    if (this.#run?.phase === 'left') await this.#close();
    if (this.#run !== undefined || this.#opening) {
      // The client says that it runs already. It must never get handlers that do not go through us.
      if (this.member !== undefined) await this.consumer.run(innerRun(this.member));
      return;
    }
    this.#opening = true;
    try {
      const started = await this.#open(run);
      this.#run = started;
      this.#opening = false;
      await started.start();
    } catch (error) {
      this.#opening = false;
      await this.#close();
      if (isColorwayError(error) && error.code === 'COLORWAY_CLIENT_UNSUPPORTED') await this.consumer.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#whileEnding(() => this.consumer.stop());
  }

  async disconnect(): Promise<void> {
    await this.#whileEnding(() => this.consumer.disconnect());
  }

  seek(topic: string, partition: number, offset: string): void {
    if (this.member === undefined) this.consumer.seek({ topic, partition, offset });
    else this.member.seek(topic, partition, offset);
  }

  pauses(what: 'pause' | 'resume', topics: [] | undefined): void {
    if (this.member === undefined) this.consumer[what](topics ?? []);
    else this.member.pauses[what](topics);
  }

  async commitOffsets(offsets: TopicPartitionOffset[] | undefined): Promise<void> {
    const names = { group: this.#group, brokerGroup: this.#brokerGroup };
    const consumer = this.consumer as ConsumerClient & CommittingConsumer;
    await commitByHand(commitsOf(this.#coloring), names, consumer, offsets);
  }

  /** Nothing runs before the directory has answered, and before what it says of every topic is known. */
  async #open(run: RunConfig): Promise<ConsumerRun> {
    const coloring = this.#coloring;
    const { color } = coloring;
    await coloring.answeredView();
    const { mq } = coloring;
    this.#releases = [
      this.#runtime.useGroup(this.#group),
      this.#admin.use(),
      coloring.onClose('drain', () => this.stop()),
      mq.add(() => ({
        consumers: [consumerStatus(this.#group, this.#brokerGroup, color, this.#phase, this.member)],
      })),
    ];
    await this.#runtime.claimGroupName(this.#group, color, (of) => environmentExists(coloring, of));
    const topics = new Map<string, TopicHandover>();
    for (const topic of this.#subscribed.keys()) {
      const { handover, release } = this.#runtime.useHandover(this.#group, topic);
      topics.set(topic, handover);
      this.#releases.push(release);
    }
    await Promise.all([...topics.values()].map((handover) => handover.refresh()));
    const setting = {
      ...{ coloring, topics, run, kafka: this.#kafka, admin: this.#admin, runtime: this.#runtime },
      ...{ config: this.#config, consumer: this.consumer, session: this.#session },
      ...{ group: this.#group, brokerGroup: this.#brokerGroup, subscribed: this.#subscribed },
      leaving: leavingOf(coloring, this.#runtime.state),
      failed: (error: unknown) => this.#failed(error),
    };
    return color === undefined ? new BaselineRun(setting) : new ColoredRun(setting, color);
  }

  get #phase(): MqPhase {
    return this.#run?.phase ?? (this.#opening ? 'starting' : 'stopped');
  }

  /** What goes on in the background must not begin anything meanwhile. */
  async #whileEnding(end: () => Promise<void>): Promise<void> {
    this.#run?.ending();
    await end();
    await this.#close();
  }

  async #close(): Promise<void> {
    this.#run?.stop();
    this.#run = undefined;
    for (const release of this.#releases.splice(0)) await release();
  }

  #failed(error: unknown): void {
    warnOnce(
      'COLORWAY_CONSUMER_FAILED',
      `Consumer group ${quote(this.#brokerGroup)}: ${error instanceof Error ? error.message : String(error)}`,
      `${this.#brokerGroup} ${String(error)}`,
    );
  }
}
